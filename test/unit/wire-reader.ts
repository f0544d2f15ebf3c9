/** Reads what src/native/wire-plan.ts and wire-job.ts pack, by its own reading of the layout: the second opinion that native/plan/wire_reader is, too. */
class WireReader {
  #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
  }

  u8(): number {
    this.#at += 1
    return this.#bytes.readUInt8(this.#at - 1)
  }

  u32(): number {
    this.#at += 4
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  u64(): bigint {
    this.#at += 8
    return this.#bytes.readBigUInt64LE(this.#at - 8)
  }

  string(): string {
    const size = this.u32()
    if (this.#at + size > this.#bytes.length) throw new RangeError('a string runs past the end')
    this.#at += size
    return this.#bytes.toString('utf8', this.#at - size, this.#at)
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.u32() }, read)
  }

  limit(): void {
    this.#bytes = this.#bytes.subarray(0, this.u32())
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError(`${this.#bytes.length - this.#at} bytes are left over`)
  }
}

export type ReadStep =
  | { readonly is: 'directory'; readonly target: string; readonly mode: number }
  | { readonly is: 'file' | 'proc'; readonly target: string }
  | { readonly is: 'dev'; readonly target: string; readonly devices: readonly { readonly path: string; readonly number: bigint; readonly isBlock: boolean }[] }
  | { readonly is: 'link'; readonly target: string; readonly to: string }
  | { readonly is: 'text'; readonly target: string; readonly text: string }
  | { readonly is: 'tmpfs'; readonly target: string; readonly size: bigint; readonly files: bigint }
  | {
      readonly is: 'bind'
      readonly target: string
      readonly source: string
      readonly isFile: boolean
      readonly isWritable: boolean
      readonly isStore?: true
      readonly isOverlay?: true
      readonly isCopy?: true
      readonly dev: bigint
      readonly ino: bigint
    }
  | { readonly is: 'listed'; readonly target: string; readonly source: string; readonly dev: bigint; readonly ino: bigint; readonly modified: bigint }

export interface ReadPlan {
  readonly version: number
  readonly name: string
  readonly stateDirectory: string
  readonly hostname: string
  readonly network: number
  readonly handedIn: string
  /** Of a network of names. */
  readonly names?: { readonly tlsNames: number; readonly allow: readonly (readonly [kind: number, text: string, port: number])[] }
  readonly isBase: boolean
  readonly traces: boolean
  readonly ownership: number
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly users: number
  readonly allowed: number
  readonly firstId: number
  readonly idCount: number
  /** Undefined: none. */
  readonly limits: {
    readonly memory: bigint | undefined
    readonly swap: bigint | undefined
    readonly processes: bigint | undefined
    readonly thousandthsOfCpus: bigint | undefined
    readonly isBestEffort: boolean
    readonly countsCpuTime: boolean
  }
  readonly steps: readonly ReadStep[]
}

export function readPlan(bytes: Uint8Array): ReadPlan {
  const reader = new WireReader(bytes)
  const plan = {
    version: reader.u32(),
    name: reader.string(),
    stateDirectory: reader.string(),
    hostname: reader.string(),
    ...readNetwork(reader),
    isBase: reader.u8() === 1,
    ownership: reader.u8(),
    traces: reader.u8() === 1,
    uid: reader.u32(),
    gid: reader.u32(),
    groups: reader.list(() => reader.u32()),
    users: reader.u32(),
    allowed: reader.u32(),
    firstId: reader.u32(),
    idCount: reader.u32(),
    limits: readLimits(reader),
    steps: reader.list(() => readStep(reader)),
  }
  reader.end()
  return plan
}

function readNetwork(reader: WireReader): Pick<ReadPlan, 'network' | 'handedIn' | 'names'> {
  const [network, handedIn] = [reader.u8(), reader.string()]
  if (network !== 5) return { network, handedIn }
  const names = { tlsNames: reader.u8(), allow: reader.list(() => [reader.u8(), reader.string(), reader.u32()] as const) }
  if (handedIn !== '') throw new RangeError('a network of names is handed in')
  if (names.tlsNames > 1) throw new RangeError(`${names.tlsNames} is neither true nor false`)
  for (const [kind, text, port] of names.allow) {
    if (kind > 3 || (text === '') !== (kind === 3) || port < 1 || port > 65_535) throw new RangeError(`${kind} ${text} ${port} is no entry of a network`)
  }
  return { network, handedIn, names }
}

function readLimits(reader: WireReader): ReadPlan['limits'] {
  const limit = (): bigint | undefined => {
    const most = reader.u64()
    return most === 0xffff_ffff_ffff_ffffn ? undefined : most
  }
  const limits = { memory: limit(), swap: limit(), processes: limit(), thousandthsOfCpus: limit() }
  const flags = reader.u8()
  if (flags > 3) throw new RangeError(`flags ${flags} of limits are unknown`)
  return { ...limits, isBestEffort: (flags & 1) !== 0, countsCpuTime: (flags & 2) !== 0 }
}

/** Steps alone, as they are in a job. */
export function readRest(bytes: Uint8Array): readonly ReadStep[] {
  const reader = new WireReader(bytes)
  const steps = reader.list(() => readStep(reader))
  reader.end()
  return steps
}

function readStep(reader: WireReader): ReadStep {
  const operation = reader.u8()
  const target = reader.string()
  switch (operation) {
    case 0:
      return { is: 'directory', target, mode: reader.u32() }
    case 1:
      return { is: 'file', target }
    case 2:
      return { is: 'link', target, to: reader.string() }
    case 3:
      return { is: 'tmpfs', target, size: reader.u64(), files: reader.u64() }
    case 4:
      return { is: 'dev', target, devices: reader.list(() => ({ path: reader.string(), number: reader.u64(), isBlock: reader.u8() === 1 })) }
    case 5:
      return { is: 'proc', target }
    case 6:
      return {
        is: 'bind',
        target,
        source: reader.string(),
        isFile: reader.u8() === 1,
        ...accessOf(reader.u8()),
        dev: reader.u64(),
        ino: reader.u64(),
      }
    case 7:
      return { is: 'listed', target, source: reader.string(), dev: reader.u64(), ino: reader.u64(), modified: reader.u64() }
    case 8:
      return { is: 'text', target, text: reader.string() }
    default:
      throw new RangeError(`operation ${operation} is unknown`)
  }
}

export interface ReadCommand {
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly maxBuffer: bigint
  /** Those of each process by their places in kRlimits (native/plan/limits.h), and `stdio`. A limit that is not given is absent. */
  readonly limits: Readonly<Record<string, bigint>>
  readonly stdio: readonly { readonly kind: number; readonly path: string }[]
  /** Columns and rows. */
  readonly terminalSize: readonly [number, number]
}

export interface ReadJob {
  readonly version: number
  readonly job: number
  readonly closes: boolean
  readonly tellsStarted: boolean
  readonly tellsSteps: boolean
  readonly id: string
  readonly rest: readonly ReadStep[] | undefined
  readonly command: ReadCommand | undefined
}

export function readJob(bytes: Uint8Array): ReadJob {
  const reader = new WireReader(bytes)
  reader.limit()
  const version = reader.u32()
  const job = reader.u32()
  const flags = reader.u8()
  const read = {
    version,
    job,
    closes: (flags & 1) !== 0,
    tellsStarted: (flags & 2) !== 0,
    tellsSteps: (flags & 4) !== 0,
    id: reader.string(),
    rest: reader.u8() === 1 ? reader.list(() => readStep(reader)) : undefined,
    command: reader.u8() === 1 ? readCommand(reader) : undefined,
  }
  if (flags > 7) throw new RangeError(`flags ${flags} are unknown`)
  reader.end()
  return read
}

function readCommand(reader: WireReader): ReadCommand {
  return {
    argv: reader.list(() => reader.string()),
    env: reader.list(() => reader.string()),
    cwd: reader.string(),
    maxBuffer: reader.u64(),
    limits: readCommandLimits(reader),
    stdio: [0, 1, 2].map(() => ({ kind: reader.u8(), path: reader.string() })),
    terminalSize: [reader.u32(), reader.u32()],
  }
}

function readCommandLimits(reader: WireReader): ReadCommand['limits'] {
  const ofProcesses = reader.list(() => [reader.u8(), reader.u64()] as const)
  const stdio = reader.u64()
  return Object.fromEntries<bigint>([...ofProcesses, ...(stdio === 0n ? [] : [['stdio', stdio] as const])])
}

function accessOf(access: number): { isWritable: boolean; isStore?: true; isOverlay?: true; isCopy?: true } {
  if (access > 4) throw new RangeError(`${access} is no access`)
  if (access === 4) return { isWritable: false, isCopy: true }
  if (access === 3) return { isWritable: false, isOverlay: true }
  return access === 2 ? { isWritable: true, isStore: true } : { isWritable: access === 1 }
}
