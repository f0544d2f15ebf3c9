import { constants as bufferConstants } from 'node:buffer'
import { fstatSync } from 'node:fs'
import { devNull } from 'node:os'

import { defaultTerminalSize, isTerminal, type TerminalSize } from '../command/terminal.ts'
import type { RunOptions } from '../command/run-options.ts'
import type { Running } from '../command/running.ts'
import { tailOf, tailSize as tailOfHints } from '../command/hint-evidence.ts'
import type { StdioTargets, StdioTarget } from '../command/target.ts'
import type { Copied } from '../native/record.ts'
import type { Session } from '../session/session.ts'
import { variablesOf } from '../spec/fields/env.ts'
import type { Spec } from '../spec/spec.ts'
import type { RunRequest } from './command-line.ts'
import { amountOf, HiddenOutput, lastLine, Progress, ProgressLine } from './progress.ts'
import { ownStderr, ownStdout, type Terminal } from './terminal.ts'
import type { EffectiveSpec } from './effective-spec.ts'

type Options = Pick<RunOptions, 'stdio' | 'stdin' | 'stdout' | 'stderr' | 'all' | 'env' | 'killSignal' | 'terminalSize' | 'maxBuffer'>

const tailSize = 4096

/** The targets of a run's standard streams, and the display for a person at the terminal meanwhile. */
export class RunStreams {
  readonly options: Options
  readonly #isJson: boolean
  readonly #isPty: boolean
  readonly #isRecorded: boolean
  readonly #terminal: Terminal
  readonly #hidden: HiddenOutput | undefined
  /** Undefined if stderr is not a terminal. */
  readonly #line: ProgressLine | undefined
  readonly #progress: Progress | undefined
  #tail = ''
  /** The end of the output that passes through this program and is not kept in the result. */
  #passing: Buffer | undefined
  #running: Running | undefined
  #isOver = false
  #leavePty: () => void = () => {}

  constructor({ isJson, isPty, hasProgress, record, page, verify }: Pick<RunRequest, 'isJson' | 'isPty' | 'hasProgress' | 'record' | 'page' | 'verify'>, { spec }: EffectiveSpec, terminal: Terminal) {
    const isSeen = isTerminal(2)
    this.#isJson = isJson
    this.#isRecorded = record !== undefined || page !== undefined
    // A command that inherits three terminals gets one of its own anyway.
    this.#isPty = isPty && (isJson || !(isTerminal(0) && isTerminal(1) && isSeen))
    this.#terminal = terminal
    this.#hidden = hasProgress && isSeen && !isJson && !this.#isPty ? new HiddenOutput() : undefined
    if (isSeen) this.#line = new ProgressLine((text) => void ownStderr().write(text), () => sizeOf(ownStderr()).columns)
    if (this.#line !== undefined && (isJson || this.#hidden !== undefined)) this.#progress = new Progress(this.#line, () => this.#lastWords())
    // The first of several builds would read the input of the others.
    const stdin = verify === undefined ? {} : ({ stdin: 'ignore' } as const)
    this.options = { ...terminalOptions(spec, this.#isPty), ...this.#targets(), ...stdin }
  }

  #targets(): Options {
    if (this.#isPty) return { stdio: 'pty', terminalSize: ptySize(), ...(this.#isJson ? {} : { maxBuffer: bufferConstants.MAX_STRING_LENGTH }) }
    if (this.#isJson) return { stdin: 'inherit', stdout: 'pipe', stderr: 'pipe' }
    if (this.#hidden === undefined) return { stdin: 'inherit', ...this.#inherited() }
    const hidden = this.#recorded({ file: this.#hidden.file })
    // The user does not see the command's questions, and so cannot answer them.
    const stdin = isTerminal(0) ? 'ignore' : 'inherit'
    return isTerminal(1) ? { stdin, stdout: hidden, all: true } : { stdin, stdout: this.#recorded('inherit'), stderr: hidden }
  }

  #inherited(): Options {
    // One pipe keeps the order in which the two were written.
    if (this.#isRecorded && isSamePipe()) return { stdout: seen('inherit'), all: true }
    return { stdout: this.#recorded('inherit'), stderr: this.#recorded('inherit') }
  }

  #recorded(target: StdioTarget): StdioTargets {
    return this.#isRecorded ? seen(target) : target
  }

  /** No other code writes to the terminal while the session is opened. */
  copying(copied: Copied): void {
    if (this.#progress === undefined) this.#line?.show(`copying  ${amountOf(copied)}`)
    else this.#progress.copying(copied)
  }

  opened(session: Session): void {
    this.#line?.clear()
    this.#progress?.opened(session)
    if (this.#isRecorded && !this.#isJson && !this.#isPty) {
      this.#passing = Buffer.alloc(0)
      session.on('stdio', ({ stream, chunk }) => {
        if (stream === 'stderr' || this.options.all === true) this.#passing = Buffer.concat([this.#passing ?? chunk, chunk]).subarray(-tailOfHints - 1)
      })
    }
    if (this.#isJson && this.#progress !== undefined) session.on('stdio', ({ chunk }) => (this.#tail = (this.#tail + chunk.toString()).slice(-tailSize)))
  }

  /** The end of stderr, if this program saw it and the result does not have it. Undefined otherwise. */
  get output(): readonly string[] | undefined {
    const isKept = this.#isJson || this.#isPty
    const bytes = isKept ? undefined : this.#passing
    return bytes === undefined ? undefined : [tailOf(bytes)]
  }

  /** Call it in the turn of the event loop in which the command was started. */
  begun(running: Running): void {
    this.#running = running
    if (this.#isPty && !this.#isJson) this.#leavePty = attachPty(running)
  }

  ended(): void {
    this.#leavePty()
    this.#progress?.closing()
  }

  /** @param hasFailed shows the output that was hidden */
  over(hasFailed: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#line?.clear()
    this.#progress?.over()
    if (hasFailed) this.#hidden?.passOn(this.#terminal.err)
    this.#hidden?.close()
  }

  #lastWords(): string {
    if (this.#hidden === undefined) return lastLine(this.#tail)
    // A command that has a pid has opened the file.
    if (this.#running?.pid !== undefined) this.#hidden.forgetName()
    return this.#hidden.lastLine()
  }

  /** Call it before writing anything else to the terminal. */
  clear(): void {
    this.#line?.clear()
  }
}

/** With a list of targets, the output passes through this program, which can then record it. */
function seen(target: StdioTarget): StdioTargets {
  return [target, { file: devNull }]
}

/** Whether stdout and stderr of this program are one pipe. */
function isSamePipe(): boolean {
  const [out, err] = [fstatSync(1), fstatSync(2)]
  return (err.isFIFO() || err.isSocket()) && out.dev === err.dev && out.ino === err.ino
}

/**
 * Options for a command at a terminal: this program's, or one of its own (`isPty`). It gets TERM (environ(7)) unless the spec mentions that. It is stopped by SIGHUP, as if
 * its terminal was closed, because an interactive shell ignores SIGTERM.
 */
function terminalOptions(spec: Spec, isPty: boolean): Pick<RunOptions, 'env' | 'killSignal'> {
  if (!isPty && !isTerminal(0)) return {}
  const { TERM } = process.env
  const isNamed = TERM === undefined || TERM.includes('\0') || variablesOf(spec.env ?? {})['TERM'] !== undefined
  return { killSignal: 'SIGHUP', ...(isNamed ? {} : { env: { TERM } }) }
}

/** The size of this program's terminal, or the usual size. */
function ptySize(): TerminalSize {
  return sizeOf([ownStdout(), ownStderr()].find(({ isTTY }) => isTTY))
}

/** A terminal without a size says 0 by 0. */
function sizeOf(stream: NodeJS.WriteStream | undefined): TerminalSize {
  const { columns = 0, rows = 0 } = stream ?? {}
  return columns === 0 || rows === 0 ? defaultTerminalSize : { columns, rows }
}

/** Connects this program's stdin and stdout to the command's terminal. The returned function ends that. */
function attachPty(running: Running): () => void {
  const { stdin, stdout } = running
  if (stdin === null || stdout === null) return () => {}
  // The reader of stdout is gone. The command may go on.
  const onError = (): void => void stdout.unpipe(ownStdout()).resume()
  const onResize = (): void => void running.resize(ptySize())
  ownStdout().on('error', onError)
  process.on('SIGWINCH', onResize)
  stdout.pipe(ownStdout(), { end: false })
  process.stdin.pipe(stdin)
  return () => {
    process.off('SIGWINCH', onResize)
    ownStdout().off('error', onError)
    process.stdin.unpipe(stdin)
    // An open stdin would keep the program from ending.
    process.stdin.destroy()
  }
}
