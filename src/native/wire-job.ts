import { WireWriter, wireVersion } from './wire-writer.ts'

/**
 * Where one of the command's three standard descriptors goes. `path` is of the host, for `file`; `capture` is a pipe
 * that native code reads to the end, so that the output and the exit arrive with one wake-up; `socket` stands for
 * `pipe` where it is the quicker (stdio.ts); `same`, of stderr only, is the very end that stdout has.
 */
export interface WireStdio {
  readonly kind: 'pipe' | 'inherit' | 'ignore' | 'file' | 'capture' | 'socket' | 'same'
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
}

/** The parts of a job beside its command. */
export interface JobFrame {
  /** Of the session that it opens; empty where it opens none. */
  readonly id: string
  /** The steps that it adds to a base, as `packRest` packs them. */
  readonly rest: Uint8Array | undefined
  /** It closes the session at its end. */
  readonly closes: boolean
  /** Its command's start is told. */
  readonly tellsStarted: boolean
}

/** Of a job that is a command in a session that is open, and nothing else. */
export const plainFrame: JobFrame = Object.freeze({ id: '', rest: undefined, closes: false, tellsStarted: false })

const stdioKinds = { pipe: 0, inherit: 1, ignore: 2, file: 3, capture: 4, socket: 5, same: 6 } as const
const flags = { closes: 1, tellsStarted: 2 } as const

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

/** The parts of a command that are mostly those of the one before. */
type Surroundings = Omit<JobCommand, 'argv'>

const packedSurroundings = new WeakMap<JobCommand['env'], { readonly of: Surroundings; readonly packed: Uint8Array }>()

function packSurroundings(command: Surroundings): Uint8Array {
  const { env, cwd, maxBuffer, stdio } = command
  const known = packedSurroundings.get(env)
  if (known?.of.cwd === cwd && known.of.maxBuffer === maxBuffer && known.of.stdio === stdio) return known.packed
  const writer = new WireWriter()
  writer.bytes(packEnvironment(env)).string(cwd)
  // 64 bits without a bigint, which is made anew each time.
  writer.u32(maxBuffer % 2 ** 32).u32(Math.floor(maxBuffer / 2 ** 32))
  for (const { kind, path } of stdio) writer.u8(stdioKinds[kind]).string(kind === 'file' ? (path ?? '') : '')
  const packed = writer.finish()
  if (Object.isFrozen(env) && Object.isFrozen(stdio)) {
    packedSurroundings.set(env, { of: { env, cwd, maxBuffer, stdio }, packed })
  }
  return packed
}

/** Begins with its size, and is there until something else is packed: native code reads it before the call returns. */
export function packJob(job: number, command: JobCommand | undefined, frame: JobFrame): Uint8Array {
  // Before the writer: only one at a time has the memory that is kept for them.
  const surroundings = command === undefined ? undefined : packSurroundings(command)
  const { id, rest, closes, tellsStarted } = frame
  const writer = new WireWriter()
  writer.u32(0).u32(wireVersion).u32(job).u8((closes ? flags.closes : 0) | (tellsStarted ? flags.tellsStarted : 0)).string(id)
  writer.u8(rest === undefined ? 0 : 1)
  if (rest !== undefined) writer.bytes(rest)
  writer.u8(command === undefined ? 0 : 1)
  if (command === undefined || surroundings === undefined) return writer.finishInPlace()
  writer.list(command.argv, (argument) => writer.string(argument))
  return writer.bytes(surroundings).finishInPlace()
}
