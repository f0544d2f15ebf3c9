import { constants } from 'node:buffer'
import { devNull } from 'node:os'

import { isTerminal } from '../command/is-terminal.ts'
import type { RunOptions } from '../command/run-options.ts'
import type { Running } from '../command/running.ts'
import type { OutputTarget, StdioTarget } from '../command/target.ts'
import type { Session } from '../session/session.ts'
import type { RunRequest } from './command-line.ts'
import { KeptOutput } from './kept-output.ts'
import { ownStderr } from './own-streams.ts'
import { terminalOptions } from './own-terminal.ts'
import { Progress } from './progress.ts'
import { lastLine, ProgressLine } from './progress-line.ts'
import type { Settled } from './settled.ts'
import type { Terminal } from './report.ts'
import { attachPty, ptySize, sizeOf } from './pty.ts'

type Options = Pick<RunOptions, 'stdio' | 'stdin' | 'stdout' | 'stderr' | 'all' | 'env' | 'killSignal' | 'terminalSize' | 'maxBuffer'>

const tailSize = 4096

/** Where the standard streams of a run go, and what a person sees of it meanwhile. */
export class RunStreams {
  readonly options: Options
  readonly #isJson: boolean
  readonly #isPty: boolean
  readonly #isTold: boolean
  readonly #terminal: Terminal
  readonly #kept: KeptOutput | undefined
  readonly #line: ProgressLine | undefined
  readonly #progress: Progress | undefined
  #tail = ''
  #running: Running | undefined
  #isOver = false
  #leavePty: () => void = () => {}

  constructor({ isJson, isPty, hasProgress, record, page }: Pick<RunRequest, 'isJson' | 'isPty' | 'hasProgress' | 'record' | 'page'>, { spec }: Settled, terminal: Terminal) {
    const isSeen = isTerminal(2)
    this.#isJson = isJson
    this.#isTold = record !== undefined || page !== undefined
    // A command has one anyway where all three are terminals.
    this.#isPty = isPty && (isJson || !(isTerminal(0) && isTerminal(1) && isSeen))
    this.#terminal = terminal
    this.#kept = hasProgress && isSeen && !isJson && !this.#isPty ? new KeptOutput() : undefined
    if (isSeen && (isJson || this.#kept !== undefined)) {
      this.#line = new ProgressLine((text) => void ownStderr().write(text), () => sizeOf(ownStderr()).columns)
      this.#progress = new Progress(this.#line, () => this.#lastWords())
    }
    this.options = { ...terminalOptions(spec, this.#isPty), ...this.#targets() }
  }

  #targets(): Options {
    if (this.#isPty) return { stdio: 'pty', terminalSize: ptySize(), ...(this.#isJson ? {} : { maxBuffer: constants.MAX_STRING_LENGTH }) }
    if (this.#isJson) return { stdin: 'inherit', stdout: 'pipe', stderr: 'pipe' }
    if (this.#kept === undefined) return { stdin: 'inherit', stdout: this.#told('inherit'), stderr: this.#told('inherit') }
    const kept = this.#told({ file: this.#kept.file })
    // Nobody types into what does not answer.
    const stdin = isTerminal(0) ? 'ignore' : 'inherit'
    return isTerminal(1) ? { stdin, stdout: kept, all: true } : { stdin, stdout: this.#told('inherit'), stderr: kept }
  }

  /** In a list of targets what a command writes goes by this program, which can tell of it then. */
  #told(target: StdioTarget): OutputTarget {
    return this.#isTold ? [target, { file: devNull }] : target
  }

  opened(session: Session): void {
    this.#progress?.opened(session)
    if (this.#isJson && this.#progress !== undefined) session.on('output', ({ chunk }) => (this.#tail = (this.#tail + chunk.toString()).slice(-tailSize)))
  }

  /** Comes in the turn in which the command was asked for. */
  begun(running: Running): void {
    this.#running = running
    if (this.#isPty && !this.#isJson) this.#leavePty = attachPty(running)
  }

  ended(): void {
    this.#leavePty()
    this.#progress?.closing()
  }

  /** @param hasFailed then what was not shown is shown */
  over(hasFailed: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#progress?.over()
    if (hasFailed) this.#kept?.passOn(this.#terminal.err)
    this.#kept?.close()
  }

  #lastWords(): string {
    if (this.#kept === undefined) return lastLine(this.#tail)
    // The command is there, and with it what it writes to is open.
    if (this.#running?.pid !== undefined) this.#kept.forgetName()
    return this.#kept.lastLine()
  }

  /** Before something else is told. */
  clear(): void {
    this.#line?.clear()
  }
}
