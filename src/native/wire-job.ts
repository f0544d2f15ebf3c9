import { bare } from '../spec/plain-data.ts'
import { limitNames, limitTable, type CheckedRunLimits, type RunLimits } from '../spec/fields/limits.ts'
import { WireWriter, wireVersion } from './wire-writer.ts'

/**
 * Where one of the command's three standard descriptors goes. `path` is of the host, for `file`; `capture` is a pipe
 * that native code reads to the end, so that the output and the exit arrive with one wake-up; `socket` stands for
 * `pipe` where it is the quicker (stdio.ts); `same`, of stderr only, is the very end that stdout has; `pty`, of all three,
 * is a terminal of the command's own. An `inherit` of a terminal is made one as well.
 */
export interface WireStdio {
  readonly kind: 'pipe' | 'inherit' | 'ignore' | 'file' | 'capture' | 'socket' | 'same' | 'pty'
  readonly path?: string
}

/** The command of a job. */
export interface JobCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdio: readonly [WireStdio, WireStdio, WireStdio]
  /** Bytes kept of each captured stream. */
  readonly maxBuffer: number
  readonly limits?: CheckedRunLimits | undefined
  /** Of the terminal, where it is a `pty`. */
  readonly terminalSize?: TerminalSize
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** The parts of a job beside its command. */
export interface JobFrame {
  /** Of the session that it opens; empty where it opens none. */
  readonly id: string
  /** It closes the session at its end. */
  readonly rest: Uint8Array | undefined
  /** It closes the session at its end. */
  readonly closes: boolean
  /** It tells when its command starts. */
  readonly tellsStarted: boolean
  /** Its end has the steps that it took to open and to close. */
  readonly tellsSteps: boolean
}

/** Of a job that is a command in a session that is open, and nothing else. */
export const plainFrame: JobFrame = Object.freeze({ id: '', rest: undefined, closes: false, tellsStarted: false, tellsSteps: false })

const stdioKinds = { pipe: 0, inherit: 1, ignore: 2, file: 3, capture: 4, socket: 5, same: 6, pty: 7 } as const
const flags = { closes: 1, tellsStarted: 2, tellsSteps: 4 } as const

const packedEnvironments = new WeakMap<JobCommand['env'], Uint8Array>()

/** Packed once: most commands of a session have its own, which does not change. */
function packEnvironment(env: JobCommand['env']): Uint8Array {
  const known = packedEnvironments.get(env)
  if (known !== undefined) return known
  const writer = new WireWriter()
  writer.list(Object.entries(env), ([key, value]) => writer.string(`${key}=${value}`))
  const packed = writer.finish()
  if (Object.isFrozen(env)) packedEnvironments.set(env, packed)
  return packed
}

/** 64 bits without a bigint, which would be made anew each time. */
function write64(writer: WireWriter, value: number): void {
  writer.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32))
}

const rlimits = limitNames.flatMap((name) => {
  const { rlimit } = limitTable[name]
  return rlimit === undefined ? [] : [{ limit: name as keyof RunLimits, number: rlimit.number, divisor: rlimit.divisor ?? 1 }]
})

const noLimits: CheckedRunLimits = bare({})

/** Those of each process by their numbers in native/plan/limits.h, then the bytes of stdout and stderr; 0: no limit, because no command could do anything with 0 of them. */
function writeLimits(writer: WireWriter, limits: CheckedRunLimits = noLimits): void {
  const held = rlimits.filter(({ limit }) => limits[limit] !== undefined)
  writer.list(held, ({ limit, number, divisor }) => write64(writer.u8(number), Math.ceil((limits[limit] ?? 0) / divisor)))
  write64(writer, limits.stdio ?? 0)
}

/** The parts of a command that are mostly the same as before: all but its argv. */
type Surrounding = Exclude<keyof JobCommand, 'argv'>
const surroundingNames = Object.keys({ env: 0, cwd: 0, maxBuffer: 0, limits: 0, stdio: 0, terminalSize: 0 } satisfies Record<Surrounding, 0>) as Surrounding[]
const packedSurroundings = new WeakMap<JobCommand['env'], { readonly of: JobCommand; readonly packed: Uint8Array }>()

function packSurroundings(command: JobCommand): Uint8Array {
  const { env, cwd, maxBuffer, limits, stdio, terminalSize } = command
  const known = packedSurroundings.get(env)
  if (known !== undefined && surroundingNames.every((one) => known.of[one] === command[one])) return known.packed
  const writer = new WireWriter()
  writer.bytes(packEnvironment(env)).string(cwd)
  write64(writer, maxBuffer)
  writeLimits(writer, limits)
  for (const { kind, path } of stdio) writer.u8(stdioKinds[kind]).string(kind === 'file' ? (path ?? '') : '')
  writer.u32(terminalSize?.columns ?? 0).u32(terminalSize?.rows ?? 0)
  const packed = writer.finish()
  if (Object.isFrozen(env) && Object.isFrozen(stdio) && terminalSize === undefined) {
    packedSurroundings.set(env, { of: { ...command, argv: [] }, packed })
  }
  return packed
}

/** The result begins with its size. It is valid until the next packing: native code reads it before the call returns. */
export function packJob(job: number, command: JobCommand | undefined, frame: JobFrame): Uint8Array {
  // Before the writer, because only one writer at a time has the kept memory.
  const surroundings = command === undefined ? undefined : packSurroundings(command)
  const { id, rest, closes, tellsStarted, tellsSteps } = frame
  const flagged = (closes ? flags.closes : 0) | (tellsStarted ? flags.tellsStarted : 0) | (tellsSteps ? flags.tellsSteps : 0)
  const writer = new WireWriter()
  writer.u32(0).u32(wireVersion).u32(job).u8(flagged).string(id)
  writer.u8(rest === undefined ? 0 : 1)
  if (rest !== undefined) writer.bytes(rest)
  writer.u8(command === undefined ? 0 : 1)
  if (command === undefined || surroundings === undefined) return writer.finishInPlace()
  writer.list(command.argv, (argument) => writer.string(argument))
  return writer.bytes(surroundings).finishInPlace()
}
