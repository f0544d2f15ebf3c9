import type { Result } from '../command/result.ts'
import type { Pair } from './compare.ts'
import type { Cause } from './guess.ts'
import type { VariationName } from './variation-names.ts'

/** One of the builds that were compared. */
export interface VerifiedBuild {
  /** From 1 on. The first build has the spec as it is. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly began: number
  /** The values that differ from those of the other builds, for people: `{ 'host-name': 'verify-host-2' }`. */
  readonly values: Readonly<Partial<Record<VariationName, string>>>
  readonly result: Result
}

/** Something that was the same in all builds, in whole or in part. */
export interface NotVaried {
  readonly name: VariationName | 'clock'
  readonly reason: string
}

/** A path at which two builds did not leave the same. */
export interface Difference {
  /** The path inside. Bytes that are not UTF-8 are escaped, such as `\xff`. */
  readonly path: string
  /**
   * `missing`: only one build made it. `type`: one is a file, say, and the other a link. `link`: the links lead to different places. `mode`: the modes differ;
   * `values` has them in octal.
   */
  readonly kind: 'missing' | 'type' | 'mode' | 'link' | 'contents'
  /** The first build, and the other one. */
  readonly builds: Pair<number>
  /** What each build left. For `contents`, some bytes from the first difference on, in hexadecimal and as text. */
  readonly values: Pair<string>
  /** For `contents`: the offset of the first byte that differs, or that only one of them has. */
  readonly offset?: number
  /** For `contents`, in bytes. */
  readonly sizes?: Pair<number>
  /** The possible cause, from the content there. It may be wrong. */
  readonly guess?: Cause
}

/** Whether builds of one spec left the same in their outputs. */
export interface Verification {
  readonly isReproducible: boolean
  readonly builds: readonly VerifiedBuild[]
  readonly varied: readonly VariationName[]
  readonly notVaried: readonly NotVaried[]
  /** All differences. Each build is compared with the first. */
  readonly differences: readonly Difference[]
  /** Files, folders and links in the outputs that were compared, and the bytes of those files. */
  readonly compared: { readonly entries: number; readonly bytes: number }
  /** With `keep` in the spec, if builds differ: the folder of the host with their outputs, a folder for each build: `1`, `2`, ... */
  readonly kept?: string
  /** The report of diffoscope(1) on the first build and the first one that differs from it. diffoscope ran in a session. */
  readonly diffoscope?: string
}
