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
  | { readonly is: 'file' | 'dev' | 'proc'; readonly target: string }
  | { readonly is: 'link'; readonly target: string; readonly to: string }
  | { readonly is: 'tmpfs'; readonly target: string; readonly size: bigint }
  | {
      readonly is: 'bind'
      readonly target: string
      readonly source: string
      readonly isFile: boolean
      readonly isWritable: boolean
      readonly dev: bigint
      readonly ino: bigint
    }

export interface ReadPlan {
  readonly version: number
  readonly name: string
  readonly stateDirectory: string
  readonly hostname: string
  readonly network: number
  readonly isBase: boolean
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly steps: readonly ReadStep[]
}

export function readPlan(bytes: Uint8Array): ReadPlan {
  const reader = new WireReader(bytes)
  const plan = {
    version: reader.u32(),
    name: reader.string(),
    stateDirectory: reader.string(),
    hostname: reader.string(),
    network: reader.u8(),
    isBase: reader.u8() === 1,
    uid: reader.u32(),
    gid: reader.u32(),
    groups: reader.list(() => reader.u32()),
    steps: reader.list(() => readStep(reader)),
  }
  reader.end()
  return plan
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
      return { is: 'tmpfs', target, size: reader.u64() }
    case 4:
      return { is: 'dev', target }
    case 5:
      return { is: 'proc', target }
    case 6:
      return {
        is: 'bind',
        target,
        source: reader.string(),
        isFile: reader.u8() === 1,
        isWritable: reader.u8() === 1,
        dev: reader.u64(),
        ino: reader.u64(),
      }
    default:
      throw new RangeError(`operation ${operation} is unknown`)
  }
}

export interface ReadCommand {
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly maxBuffer: bigint
  readonly stdio: readonly { readonly kind: number; readonly path: string }[]
}

export interface ReadJob {
  readonly version: number
  readonly job: number
  readonly closes: boolean
  readonly tellsStarted: boolean
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
    id: reader.string(),
    rest: reader.u8() === 1 ? reader.list(() => readStep(reader)) : undefined,
    command: reader.u8() === 1 ? readCommand(reader) : undefined,
  }
  if (flags > 3) throw new RangeError(`flags ${flags} are unknown`)
  reader.end()
  return read
}

function readCommand(reader: WireReader): ReadCommand {
  return {
    argv: reader.list(() => reader.string()),
    env: reader.list(() => reader.string()),
    cwd: reader.string(),
    maxBuffer: reader.u64(),
    stdio: [0, 1, 2].map(() => ({ kind: reader.u8(), path: reader.string() })),
  }
}
