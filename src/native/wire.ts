import type { Link, Mount, Plan } from '../spec/plan.ts'

/**
 * The packed form in which a plan and a launch cross into native code (read by native/plan/wire_reader): one crossing,
 * and nothing of JavaScript is touched off its own thread. Little-endian; a string is its length in bytes and its bytes.
 */
class WireWriter {
  #bytes: Uint8Array
  #length = 0

  constructor() {
    this.#bytes = spare ?? new Uint8Array(4096)
    spare = undefined
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length] = value
    this.#length += 1
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#write32(this.#length, value)
    this.#length += 4
    return this
  }

  u64(value: bigint): this {
    return this.u32(Number(BigInt.asUintN(32, value))).u32(Number(BigInt.asUintN(32, value >> 32n)))
  }

  string(value: string): this {
    // UTF-16 code units take three bytes at most.
    this.#reserve(4 + value.length * 3)
    const begin = this.#length + 4
    const size = writeAscii(value, this.#bytes, begin) ?? encoder.encodeInto(value, this.#bytes.subarray(begin)).written
    this.#write32(this.#length, size)
    this.#length = begin + size
    return this
  }

  bytes(values: Uint8Array): this {
    this.#reserve(values.length)
    this.#bytes.set(values, this.#length)
    this.#length += values.length
    return this
  }

  list<T>(values: readonly T[], write: (value: T) => void): this {
    this.u32(values.length)
    for (const value of values) write(value)
    return this
  }

  /** A copy; what was written to is the next writer's. */
  finish(): Uint8Array {
    spare = this.#bytes
    return this.#bytes.slice(0, this.#length)
  }

  /** What was written to, which the next writer writes over: a copy takes longer than to write. Its first four bytes become the size. */
  finishInPlace(): Uint8Array {
    this.#write32(0, this.#length)
    spare = this.#bytes
    return this.#bytes
  }

  // By hand: a DataView takes longer to make than all that is written.
  #write32(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** What the writer before has written to. */
let spare: Uint8Array | undefined
const encoder = new TextEncoder()
/** Of longer strings an encoder is quicker, for all that it takes to call it. */
const longestByHand = 64

/** The size of what was written; undefined when it is not ASCII, or long. */
function writeAscii(value: string, bytes: Uint8Array, begin: number): number | undefined {
  if (value.length > longestByHand) return undefined
  for (let index = 0; index < value.length; index += 1) {
    const unit = value.charCodeAt(index)
    if (unit > 0x7f) return undefined
    bytes[begin + index] = unit
  }
  return value.length
}

/** Bumped when the layout changes, so that a stale addon refuses instead of misreading. Also in native/plan/plan.h. */
const wireVersion = 4

const operation = { directory: 0, file: 1, link: 2, tmpfs: 3, dev: 4, proc: 5, bind: 6 } as const

export function packPlan(plan: Plan): Uint8Array {
  return writePlan(plan, false)
}

/** A plan that others go on from, by `packRest`. */
export function packBase(plan: Plan): Uint8Array {
  return writePlan(plan, true)
}

function writePlan(plan: Plan, isBase: boolean): Uint8Array {
  const writer = new WireWriter()
  const { uid, gid, groups } = plan.user
  writer.u32(wireVersion).string(plan.name ?? '').string(plan.stateDirectory).string(plan.hostname)
  writer.u8(plan.network === 'host' ? 1 : 0).u8(isBase ? 1 : 0)
  writer.u32(uid).u32(gid).list(groups, (group) => writer.u32(group))
  return writer.list(stepsOf(writer, plan.directories, plan.mounts, plan.links), (step) => step()).finish()
}

const contentsOfBases = new WeakMap<Plan, ReadonlySet<string>>()

function contentsOf(base: Plan): ReadonlySet<string> {
  const known = contentsOfBases.get(base) ?? new Set([...base.directories, ...base.mounts.map(({ target }) => target)])
  contentsOfBases.set(base, known)
  return known
}

/** What a plan has that its base has not: directories and binds, as everything else of a plan is in the base. */
export function packRest({ directories, mounts }: Plan, base: Plan): Uint8Array {
  const writer = new WireWriter().u32(wireVersion)
  const known = contentsOf(base)
  const newDirectories = directories.filter((directory) => !known.has(directory))
  const newMounts = mounts.filter(({ target }) => !known.has(target))
  return writer.list(stepsOf(writer, newDirectories, newMounts, []), (step) => step()).finish()
}

/**
 * The order of execution: directories with our own file systems on them as they come, then links and the files to be
 * mounted on, then all binds. Nothing lies below a bind, so binds come last.
 */
function stepsOf(writer: WireWriter, directories: readonly string[], mounts: readonly Mount[], links: readonly Link[]): (() => void)[] {
  const steps: (() => void)[] = []
  const own = new Map(mounts.filter((mount) => mount.source === undefined).map((mount) => [mount.target, mount]))
  for (const directory of directories) {
    const mount = own.get(directory)
    // A tmpfs takes owner and mode of the directory it covers (tmpfs(4)), so /tmp gets its sticky bit here.
    const mode = mount?.kind === 'tmpfs' ? 0o1777 : 0o755
    steps.push(() => writer.u8(operation.directory).string(directory).u32(mode))
    if (mount !== undefined) steps.push(() => writeOwnMount(writer, mount))
  }
  for (const link of links) steps.push(() => writer.u8(operation.link).string(link.path).string(link.target))
  const binds = mounts.filter((mount) => mount.source !== undefined)
  for (const bind of binds) {
    if (bind.kind === 'file') steps.push(() => writer.u8(operation.file).string(bind.target))
  }
  for (const bind of binds) steps.push(() => writeBind(writer, bind))
  return steps
}

function writeOwnMount(writer: WireWriter, mount: Mount): void {
  if (mount.kind === 'tmpfs') writer.u8(operation.tmpfs).string(mount.target).u64(BigInt(mount.size ?? 0))
  else writer.u8(mount.kind === 'dev' ? operation.dev : operation.proc).string(mount.target)
}

function writeBind(writer: WireWriter, mount: Mount): void {
  const { source = '', identity = { dev: '0', ino: '0' } } = mount
  writer.u8(operation.bind).string(mount.target).string(source)
  writer.u8(mount.kind === 'file' ? 1 : 0).u8(mount.writable ? 1 : 0)
  writer.u64(BigInt.asUintN(64, BigInt(identity.dev))).u64(BigInt.asUintN(64, BigInt(identity.ino)))
}

/**
 * Where one of the command's three standard descriptors goes. `path` is of the host, for `file`; `capture` is a pipe
 * that native code reads to the end, so that the output and the exit arrive with one wake-up; `socket` is what a `pipe` for
 * output is where that is the quicker (stdio.ts).
 */
export interface WireStdio {
  readonly kind: 'pipe' | 'inherit' | 'ignore' | 'file' | 'capture' | 'socket'
  readonly path?: string
}

export interface Launch {
  readonly run: number
  /** Its end begins the end of the session: no other command will be launched. */
  readonly isLast: boolean
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdio: readonly [WireStdio, WireStdio, WireStdio]
  /** Bytes kept of each captured stream. */
  readonly maxBuffer: number
}

const stdioKinds = { pipe: 0, inherit: 1, ignore: 2, file: 3, capture: 4, socket: 5 } as const

const packedEnvironments = new WeakMap<Launch['env'], Uint8Array>()

/** Packed once: most commands of a session have its own, which does not change. */
function packEnvironment(env: Launch['env']): Uint8Array {
  const known = packedEnvironments.get(env)
  if (known !== undefined) return known
  const writer = new WireWriter()
  writer.list(Object.entries(env), ([key, value]) => writer.string(`${key}=${value}`))
  const packed = writer.finish()
  if (Object.isFrozen(env)) packedEnvironments.set(env, packed)
  return packed
}

/** What of a launch is mostly that of the one before. */
type Surroundings = Omit<Launch, 'run' | 'isLast' | 'argv'>

const packedSurroundings = new WeakMap<Launch['env'], { readonly of: Surroundings; readonly packed: Uint8Array }>()

function packSurroundings(launch: Surroundings): Uint8Array {
  const { env, cwd, maxBuffer, stdio } = launch
  const known = packedSurroundings.get(env)
  if (known?.of.cwd === cwd && known.of.maxBuffer === maxBuffer && known.of.stdio === stdio) return known.packed
  const writer = new WireWriter()
  writer.bytes(packEnvironment(env)).string(cwd)
  // 64 bits without a bigint, which is made anew each time.
  writer.u32(maxBuffer % 2 ** 32).u32(Math.floor(maxBuffer / 2 ** 32))
  for (const { kind, path } of stdio) writer.u8(stdioKinds[kind]).string(path ?? '')
  const packed = writer.finish()
  if (Object.isFrozen(env) && Object.isFrozen(stdio)) {
    packedSurroundings.set(env, { of: { env, cwd, maxBuffer, stdio }, packed })
  }
  return packed
}

/** Begins with its size, and is there until something else is packed: native code reads it before the call returns. */
export function packLaunch(launch: Launch): Uint8Array {
  const surroundings = packSurroundings(launch)
  const writer = new WireWriter()
  writer.u32(0).u32(wireVersion).u32(launch.run).u8(launch.isLast ? 1 : 0)
  writer.list(launch.argv, (argument) => writer.string(argument))
  return writer.bytes(surroundings).finishInPlace()
}
