import type { Result } from '../command/result.ts'
import type { Pair } from './compare.ts'
import type { Cause } from './guess.ts'
import type { VariationName } from './variation-names.ts'

/** One of the builds that were compared. */
export interface VerifiedBuild {
  /** From 1 on. The first is the spec as it is. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly began: number
  /** What it had another than the others, for people: `{ 'host-name': 'verify-host-2' }`. */
  readonly values: Readonly<Partial<Record<VariationName, string>>>
  readonly result: Result
}

/** Something that was the same in all builds, in whole or in part. */
export interface NotVaried {
  readonly name: VariationName | 'clock'
  readonly reason: string
}

/** What two builds left at one place, and did not leave the same. */
export interface Difference {
  /** Inside. Bytes that are no UTF-8 are escaped, as `\xff`. */
  readonly path: string
  /** `missing`: only one build made it. `type`: one is a file, say, and the other a link. `link`: they lead elsewhere. `mode` is in octal. */
  readonly kind: 'missing' | 'type' | 'mode' | 'link' | 'contents'
  /** The first build, and the other one. */
  readonly builds: Pair<number>
  /** What each left. Of `contents`, some bytes from the first one on that differs, in hexadecimal and as text. */
  readonly values: Pair<string>
  /** Of `contents`: of the first byte that differs, or that only one of them has. */
  readonly offset?: number
  /** Of `contents`, in bytes. */
  readonly sizes?: Pair<number>
  /** What may be the cause, by what stands there. It may be wrong. */
  readonly guess?: Cause
}

/** Whether builds of one spec left the same in their outputs. */
export interface Verification {
  readonly isReproducible: boolean
  readonly builds: readonly VerifiedBuild[]
  readonly varied: readonly VariationName[]
  readonly notVaried: readonly NotVaried[]
  /** All of them. Each build is compared with the first. */
  readonly differences: readonly Difference[]
  /** Files, folders and links in the outputs that were compared, and the bytes of those files. */
  readonly compared: { readonly entries: number; readonly bytes: number }
  /** With `keep` in the spec, where builds differ: the folder of the host that has their outputs, in a folder each: `1`, `2`, ... */
  readonly kept?: string
  /** What diffoscope(1) says of the first build and the first one that differs from it. It ran in a session. */
  readonly diffoscope?: string
}
