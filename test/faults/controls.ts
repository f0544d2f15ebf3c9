import { binding } from '../../src/native/load.ts'

/** What is to happen to a system call; test/faults/native/fault.h has what each of it means. */
export interface FaultRequest {
  readonly action: 'count' | 'fail' | 'kill' | 'skip' | 'mask'
  /** By its manual page's name. Default: any. */
  readonly call?: string
  /** From 1; 0: each of them. Default: 1. */
  readonly nth?: number
  /** Only where this argument, from 0, has that value. */
  readonly ifArgument?: number
  readonly ifValue?: number
  /** Of `fail`, positive. */
  readonly errno?: number
  /** Of `mask`: which argument, from 0, loses which bits. */
  readonly argument?: number
  readonly bits?: number
  /** Default: only what the native work that JavaScript asked for does, and its children. */
  readonly everyThread?: boolean
  /** Only what that thread does: of the networks of names, or of the calls of a session that wait for an answer. */
  readonly thread?: 'networks' | 'notices'
}

export interface Made {
  /** The calls since, by name and in order. */
  readonly calls: readonly string[]
  /** For each of them why its failure is tolerated, where the code says so (native/base/tolerated.h). */
  readonly tolerated: readonly (string | null)[]
  /** How many of them met the fault. */
  readonly hits: number
}

/** test/faults/native/controls.cc. */
export interface Faults {
  arm(fault: FaultRequest): void
  disarm(): Made
  /** Whether this process has a child, dead or alive. */
  hasChildren(): boolean
}

/** Of the addon that is loaded, which has to be the tests' own build: `npm run test:faults`. */
export function faults(): Faults {
  const { faults: controls } = binding() as { readonly faults?: Faults }
  if (controls === undefined) throw new Error('the addon is not the build for fault injection: npm run test:faults')
  return controls
}
