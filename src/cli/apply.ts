import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { ReadStream } from 'node:tty'

import type { Applied } from '../native/record.ts'
import type { Result } from '../command/result.ts'
import { isTerminal } from '../command/terminal.ts'
import { refuseToApply, type Changes } from '../session/changes.ts'
import type { Session } from '../session/session.ts'
import { invalid } from '../spec/check.ts'
import { projectIn } from '../spec/outputs.ts'
import type { RunRequest } from './command-line.ts'
import { tell } from './report.ts'
import { appliedText, applyQuestion } from './thrown-away.ts'
import type { Terminal } from './terminal.ts'

/** The name of a person's terminal, whatever stdin is (tty(4)). */
const controlling = '/dev/tty'

/** `--apply`: applies the command's changes to the project. */
export class Applying {
  readonly #how: NonNullable<RunRequest['apply']>
  readonly #session: Session
  readonly #terminal: Terminal
  /** The project's path inside. */
  readonly #project: string
  /** The target of changes that were applied, perhaps in part. */
  begun: string | undefined

  constructor(how: NonNullable<RunRequest['apply']>, session: Session, terminal: Terminal) {
    this.#how = how
    this.#session = session
    this.#terminal = terminal
    this.#project = projectIn(session.plan)?.target ?? session.plan.cwd
  }

  /**
   * To be called before anything runs.
   * @throws SpecError if there is no terminal to ask at, or the project cannot be applied to
   */
  check(): void {
    if (this.#how === 'asks') closeSync(openTerminal())
    refuseToApply(this.#session.plan, this.#project, '--apply')
  }

  /**
   * To be called when the command is over.
   * @param all the changes in each overlay
   * @returns the applied changes; undefined if there were none
   */
  async end(result: Result, all: readonly Changes[], signal: AbortSignal): Promise<Applied | undefined> {
    const changes = all.find(({ target }) => target === this.#project)
    const question = changes === undefined ? undefined : applyQuestion(changes)
    if (changes === undefined || question === undefined || signal.aborted) return undefined
    const isWanted = this.#how === 'always' ? !result.failed : await isAnsweredYes(`buildjail: ${question} [y/N] `, signal)
    if (!isWanted) return undefined
    this.begun = changes.target
    const [applied] = await this.#session.applyChanges([changes.target])
    if (applied !== undefined) tell(this.#terminal, appliedText(changes, applied))
    return applied
  }
}

function openTerminal(): number {
  try {
    if (isTerminal(2)) return openSync(controlling, 'r+')
  } catch {
    // stderr may be a terminal that does not control this program.
  }
  throw invalid('--apply', 'asks at a terminal, and there is none; --yes applies without asking')
}

async function isAnsweredYes(question: string, signal: AbortSignal): Promise<boolean> {
  const input = new ReadStream(openTerminal())
  const lines = createInterface({ input, output: process.stderr })
  try {
    // The end of the input is not an answer.
    const closed = new Promise<string>((resolve) => void lines.once('close', () => resolve('')))
    return /^y(es)?$/i.test((await Promise.race([lines.question(question, { signal }), closed])).trim())
  } catch (error) {
    if (signal.aborted) return false
    throw error
  } finally {
    lines.close()
    input.destroy()
  }
}
