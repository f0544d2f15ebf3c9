import { closeSync, existsSync, lstatSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { commandLine } from '../command/command.ts'
import type { Result } from '../command/result.ts'
import { TraceError } from '../errors.ts'
import type { HereOptions } from '../here/here.ts'
import { learnedSpec } from '../learning/learned-spec.ts'
import type { Changes } from '../session/changes.ts'
import type { Session } from '../session/session.ts'
import { invalid } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import { projectIn } from '../spec/outputs.ts'
import { type Plan, planOf } from '../spec/plan.ts'
import type { EffectiveSpec } from './effective-spec.ts'
import { learnedText } from './learned-text.ts'
import { packageVersion } from './manual.ts'
import { realFolderOf } from './named-file.ts'
import { tell } from './report.ts'
import { refuseWithin } from './run-report.ts'
import type { Terminal } from './terminal.ts'

/** Writes the spec file of `buildjail learn`, after its command succeeded. */
export class Learning {
  readonly plan: Plan
  readonly #file: string
  readonly #here: HereOptions
  readonly #effective: EffectiveSpec
  readonly #terminal: Terminal
  #session: Session | undefined

  /** @throws SpecError if the spec is refused, or the file exists or lies where the command can write */
  constructor(file: string, here: HereOptions, effective: EffectiveSpec, terminal: Terminal) {
    this.plan = planOf(effective.spec)
    this.#file = path.join(realFolderOf(file), path.basename(file))
    this.#here = here
    this.#effective = effective
    this.#terminal = terminal
    refuseWithin(this.plan, '--spec', file)
    // The command could make it, as a link.
    // defence: learned-folder-there
    if (!existsSync(path.dirname(this.#file))) throw invalid('--spec', `${file} cannot be written: there is no folder ${path.dirname(this.#file)}`)
    if (lstatSync(this.#file, { throwIfNoEntry: false }) !== undefined) throw exists(file)
  }

  begin(session: Session): void {
    this.#session = session
  }

  async look(): Promise<void> {}

  /**
   * Call it after the session closed.
   * @throws TraceError if the trace is incomplete, SpecError if the file cannot be written
   */
  async write(errors: readonly unknown[], result: Result | undefined, changes: readonly Changes[]): Promise<void> {
    if (this.#session === undefined || result === undefined) return
    if (result.failed || errors.length > 0) {
      tell(this.#terminal, 'no spec is written, because the command failed')
      return
    }
    const trace = await this.#session.trace()
    if (trace.lost > 0) throw new TraceError('ERR_BUILDJAIL_TRACE_INCOMPLETE', `no spec is written: ${trace.lost} calls are missing from the trace, so the spec would lack what they read`)
    const { spec, command, timeout } = this.#effective
    const { exclude = [], envFiles = false } = this.#here
    const project = projectIn(this.plan)?.target
    if (project === undefined) throw invalid('learn', 'has no project around its working directory')
    const learned = learnedSpec(trace, this.plan, spec, project, exclude, envFiles)
    this.#write(learnedText(learned, { command, file: this.#file, version: packageVersion(), changes, timeout }))
    const overall = `${learned.inputs.length} ${learned.inputs.length === 1 ? 'input' : 'inputs'}`
    tell(this.#terminal, `wrote ${readable(this.#file)} with ${overall}; run it: ${commandLine(['buildjail', 'run', '-f', this.#file])}`)
  }

  close(): void {}

  /** The file is new, so that no link is followed (open(2), O_EXCL). A variable in it may be a secret. */
  #write(text: string): void {
    let fd: number
    try {
      // defence: learned-file-new
      fd = openSync(this.#file, 'wx', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(this.#file)
      throw invalid('--spec', `${this.#file} cannot be written: ${(error as Error).message}`, error)
    }
    try {
      writeFileSync(fd, text)
    } finally {
      closeSync(fd)
    }
  }
}

function exists(file: string): Error {
  return invalid('--spec', `${file} is there already, and may have been edited; remove it, or name another file`)
}
