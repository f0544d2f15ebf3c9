import { commandLine } from './command.ts'
import type { CheckedRunOptions, RunOptions } from './run-options.ts'
import type { JobEnd } from '../native/jobs.ts'

/** Resources a command used, its waited-for children included (wait4(2), getrusage(2)). */
export interface Usage {
  readonly userUs: number
  readonly systemUs: number
  /**
   * As getrusage(2) counts it. Up to execve(2) the child shares the memory of the process that launches it, and is charged
   * for it, so that this can be the size of that process where the command itself is smaller.
   */
  readonly maxRssBytes: number
}

/** How a command went, in execa's words. `Output` is a string, a Buffer (`encoding: 'buffer'`) or a list (`lines: true`). */
export interface Result<Output = string> {
  readonly command: string
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  /** By name: SIGKILL, ... */
  readonly signal: string | undefined
  /** Empty when it was not collected, and with the option `all`. */
  readonly stdout: Output
  readonly stderr: Output
  /** stdout and stderr as they were written; undefined without the option `all`. */
  readonly all: Output | undefined
  /** From the call to the command's end; of `build` and `SessionPool.run` it is with the opening of the session. */
  readonly durationMs: number
  /** It did not end by itself with exit code 0. */
  readonly failed: boolean
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** A signal ended it. */
  readonly isTerminated: boolean
  /** It was killed because it wrote more than `maxBuffer`. That much was kept. */
  readonly isMaxBuffer: boolean
  readonly usage: Usage
}

type OptionOf<Options, Name extends PropertyKey> = Name extends keyof Options ? Options[Name] : undefined
type Shape<Lines, Encoding> = Lines extends true ? string[] : Encoding extends 'buffer' ? Buffer : string

/** The type of the output in the result, with these options. */
export type OutputOf<Options extends RunOptions> = Shape<OptionOf<Options, 'lines'>, OptionOf<Options, 'encoding'>>

/** Any type of output. */
export type AnyOutput = string | string[] | Buffer

/** The course of a command beyond its exit: why it was ended early, and its output. */
export interface Course {
  readonly durationMs: number
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly isMaxBuffer: boolean
  readonly stdout: Buffer | undefined
  readonly stderr: Buffer | undefined
}

export function resultOf(argv: readonly string[], end: JobEnd, course: Course, options: CheckedRunOptions): Result<AnyOutput> {
  const { exitCode, signal } = end
  const { timedOut, isCanceled, isMaxBuffer } = course
  const isAll = options.all === true
  const stdout = shaped(course.stdout, options)
  return {
    command: commandLine(argv),
    exitCode,
    signal,
    stdout: isAll ? shaped(undefined, options) : stdout,
    stderr: shaped(course.stderr, options),
    all: isAll ? stdout : undefined,
    durationMs: course.durationMs,
    failed: exitCode !== 0 || timedOut || isCanceled || isMaxBuffer,
    timedOut,
    isCanceled,
    isTerminated: signal !== undefined,
    isMaxBuffer,
    usage: { userUs: end.userUs, systemUs: end.systemUs, maxRssBytes: end.maxRssBytes },
  }
}

function shaped(bytes: Buffer | undefined, { encoding, lines, stripFinalNewline }: CheckedRunOptions): AnyOutput {
  const isStripped = stripFinalNewline !== false
  if (encoding === 'buffer') return bytes === undefined ? Buffer.alloc(0) : bytes.subarray(0, isStripped ? sizeWithoutNewline(bytes) : bytes.length)
  const text = bytes === undefined ? '' : bytes.toString('utf8', 0, isStripped ? sizeWithoutNewline(bytes) : bytes.length)
  if (lines !== true) return text
  return isStripped ? linesOf(text) : (text.match(/[^\n]*\n|[^\n]+$/g) ?? [])
}

/** `text` has no newline at its end. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/\r?\n/)
}

const newline = 0x0a
const carriageReturn = 0x0d

function sizeWithoutNewline(bytes: Buffer): number {
  const { length } = bytes
  if (bytes[length - 1] !== newline) return length
  return bytes[length - 2] === carriageReturn ? length - 2 : length - 1
}
