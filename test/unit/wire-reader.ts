/** Reads what src/native/wire.ts packs, by its own reading of the layout: the second opinion that native/plan/wire_reader is, too. */
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

export function readRest(bytes: Uint8Array): { readonly version: number; readonly steps: readonly ReadStep[] } {
  const reader = new WireReader(bytes)
  const rest = { version: reader.u32(), steps: reader.list(() => readStep(reader)) }
  reader.end()
  return rest
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

export interface ReadLaunch {
  readonly version: number
  readonly run: number
  readonly isLast: boolean
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly maxBuffer: bigint
  readonly stdio: readonly { readonly kind: number; readonly path: string }[]
}

export function readLaunch(bytes: Uint8Array): ReadLaunch {
  const reader = new WireReader(bytes)
  reader.limit()
  const launch = {
    version: reader.u32(),
    run: reader.u32(),
    isLast: reader.u8() === 1,
    argv: reader.list(() => reader.string()),
    env: reader.list(() => reader.string()),
    cwd: reader.string(),
    maxBuffer: reader.u64(),
    stdio: [0, 1, 2].map(() => ({ kind: reader.u8(), path: reader.string() })),
  }
  reader.end()
  return launch
}
