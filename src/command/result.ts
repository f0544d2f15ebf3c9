import type { Usage } from '../events/session-events.ts'
import type { Hint } from './hints.ts'
import type { JobEnd } from '../native/jobs.ts'
import type { LeftInOutput } from '../native/record.ts'
import type { Trace } from '../native/trace.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import { inOneLine, readable } from '../spec/messages.ts'
import { commandLine } from './command.ts'
import type { CheckedRunOptions, RunOptions } from './run-options.ts'

export type { Usage }

/** How a command went, with the names that execa has. `Stdio` is a string, a Buffer (`encoding: 'buffer'`) or a list (`lines: true`). */
export interface Result<Stdio = string> {
  readonly command: string
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  /** By name: SIGKILL, ... */
  readonly signal: string | undefined
  /** Empty if it was not collected, and with the option `all`. */
  readonly stdout: Stdio
  readonly stderr: Stdio
  /** stdout and stderr as they were written; undefined without the option `all`. */
  readonly all: Stdio | undefined
  /** From the call to the command's end. For `build` and `SessionPool.run` it includes the opening of the session. */
  readonly durationMs: number
  /** False only if it exited by itself with code 0. */
  readonly failed: boolean
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** A signal ended it. */
  readonly isTerminated: boolean
  /** It was killed because it wrote more than `maxBuffer`. That much was kept. */
  readonly isMaxBuffer: boolean
  /**
   * The limit of the command or of its session that ended it. Undefined if no limit did, or if that cannot be known: a program that cannot open another file,
   * or that ignores SIGXFSZ, fails in its own way. `memory`, `swap` and `processes` are reported if a command failed while something in its session met that
   * limit, `tmpSize` and `tmpFiles` if it failed and /tmp was full then.
   */
  readonly limit: LimitName | undefined
  readonly usage: Usage
  /**
   * For `build`: what the command put on files of an output and the kernel lets nobody remove, such as an encryption policy. Empty for a command in a session
   * that stays open; see `Session.leftInOutputs`.
   */
  readonly leftInOutputs: readonly LeftInOutput[]
  /** For a command of `build` or `SessionPool.run` that failed, with `keep` in the spec. For a session that stays open see `Session.kept`. */
  readonly kept: Kept | undefined
  /** For `build` and `SessionPool.run` with `trace` in the spec. For a session that stays open see `Session.trace`. */
  readonly trace: Trace | undefined
  /**
   * Why it failed, if the session is certainly the cause: a file was not declared, a place is read-only, there is no network, ... They are found on first use,
   * from the command, the plan and the last 8 KiB of stdout and of stderr; if stderr is ignored, from the command and the plan alone.
   */
  readonly hints: readonly Hint[]
}

/** The copy of what a failed command left in its session. */
export interface Kept {
  /** The folder, on the host. */
  readonly path: string
  /**
   * Paths in the copy of what was not copied: sockets, pipes, files that this user may not read, and what the file system of the folder cannot have, such as a
   * name or a size that is too large for it. A folder stands for all that was in it. At most a hundred are named for each place, such as /tmp; one more text
   * then counts the others.
   */
  readonly left: readonly string[]
  /** Why the copy is not whole. */
  readonly error: Error | undefined
}

/** Of a command that did not run. */
const noUsage: Usage = Object.freeze({ userUs: 0, systemUs: 0, maxRssBytes: 0 })
const nothingLeft: readonly LeftInOutput[] = Object.freeze([])
const noHints: readonly Hint[] = Object.freeze([])

type OptionOf<Options, Name extends PropertyKey> = Name extends keyof Options ? Options[Name] : undefined
type Shape<Lines, Encoding> = Lines extends true ? string[] : Encoding extends 'buffer' ? Buffer : string

/** The type of the output in the result, with these options. */
export type StdioOf<Options extends RunOptions> = Options extends unknown ? Shape<OptionOf<Options, 'lines'>, OptionOf<Options, 'encoding'>> : never

/** Any type of output. */
export type AnyStdio = string | string[] | Buffer

/** The course of a command beyond its exit: why it was ended early, and its output. */
export interface Course {
  readonly durationMs: number
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly isMaxBuffer: boolean
  readonly limit: LimitName | undefined
  readonly stdout: Buffer | undefined
  readonly stderr: Buffer | undefined
  /** Called at most once, and only of a command that failed. */
  readonly hints: () => readonly Hint[]
}

export function resultOf(argv: readonly string[], end: JobEnd, course: Course, options: CheckedRunOptions): Result<AnyStdio> {
  const { exitCode, signal } = end
  const { timedOut, isCanceled, isMaxBuffer, limit } = course
  const isAll = options.all === true
  const failed = exitCode !== 0 || timedOut || isCanceled || isMaxBuffer || limit !== undefined
  let hints = failed && !isCanceled ? undefined : noHints
  const result = {
    command: commandLine(argv),
    exitCode,
    signal,
    stdout: shaped(undefined, options),
    stderr: shaped(undefined, options),
    all: undefined,
    durationMs: course.durationMs,
    failed,
    timedOut,
    isCanceled,
    isTerminated: signal !== undefined,
    isMaxBuffer,
    limit,
    usage: end.usage ?? noUsage,
    leftInOutputs: end.closed?.leftInOutputs ?? nothingLeft,
    kept: undefined,
    trace: undefined,
    get hints() {
      return (hints ??= course.hints())
    },
  }
  shapeIn(result, isAll ? 'all' : 'stdout', course.stdout, options)
  shapeIn(result, 'stderr', course.stderr, options)
  return result
}

/** Text of so many bytes is made on first use: it takes tens of milliseconds of JavaScript, and not every caller wants it. */
const muchOutput = 1024 * 1024

function shapeIn(result: object, key: 'stdout' | 'stderr' | 'all', bytes: Buffer | undefined, options: CheckedRunOptions): void {
  const shape = { enumerable: true, configurable: true }
  if (bytes === undefined || bytes.length < muchOutput) {
    Object.defineProperty(result, key, { ...shape, value: shaped(bytes, options), writable: true })
    return
  }
  const get = (): AnyStdio => {
    const value = shaped(bytes, options)
    Object.defineProperty(result, key, { ...shape, value, writable: true })
    return value
  }
  Object.defineProperty(result, key, { ...shape, get })
}

function shaped(bytes: Buffer | undefined, { encoding, lines, stripFinalNewline }: CheckedRunOptions): AnyStdio {
  const isStripped = stripFinalNewline !== false
  if (encoding === 'buffer') return bytes === undefined ? Buffer.alloc(0) : bytes.subarray(0, isStripped ? sizeWithoutNewline(bytes) : bytes.length)
  const text = bytes === undefined ? '' : bytes.toString('utf8', 0, isStripped ? sizeWithoutNewline(bytes) : bytes.length)
  if (lines !== true) return text
  if (!isStripped) return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  // One empty line is a line.
  return bytes === undefined || bytes.length === 0 ? [] : text.split(/\r?\n/)
}

const newline = 0x0a
const carriageReturn = 0x0d

function sizeWithoutNewline(bytes: Buffer): number {
  const { length } = bytes
  if (bytes[length - 1] !== newline) return length
  return bytes[length - 2] === carriageReturn ? length - 2 : length - 1
}

/** For people, after a command that failed. */
export function keptText({ path: kept, left, error }: Kept): string {
  const folder = readable(kept)
  if (error !== undefined) return `its files could not be kept in ${folder}: ${inOneLine(error.message)}`
  return left.length === 0 ? `its files are kept in ${folder}` : `its files are kept in ${folder}, but for ${left.map(readable).join(', ')}`
}

/** For people. */
export function leftText({ path, what }: LeftInOutput): string {
  return `left in an output: ${readable(path)}: ${inOneLine(what)}`
}
