import { carryResult } from '../command/command-error.ts'
import type { AnyOutput, Kept, LeftInOutput, Result, Usage } from '../command/result.ts'
import { BuildjailError, TeardownError, typed } from '../errors.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import type { Session } from './session.ts'

/**
 * @param failures as native code reports them
 * @param cause the error before, where there was one
 */
export function teardownError(id: string, failures: readonly unknown[], cause?: unknown): TeardownError {
  return new TeardownError(id, failures.map((failure) => typed(failure) as BuildjailError), cause)
}

/**
 * Something could not be taken away after a `build` whose command ran. It has the fields of the result, be that a success or a failure.
 * @remedy End what holds it and call `error.session.close()`.
 * @category session
 */
export class BuildTeardownError<Output = AnyOutput> extends TeardownError implements Result<Output> {
  declare readonly command: string
  declare readonly exitCode: number | undefined
  declare readonly signal: string | undefined
  declare readonly stdout: Output
  declare readonly stderr: Output
  declare readonly all: Output | undefined
  declare readonly durationMs: number
  declare readonly failed: boolean
  declare readonly timedOut: boolean
  declare readonly isCanceled: boolean
  declare readonly isTerminated: boolean
  declare readonly isMaxBuffer: boolean
  declare readonly limit: LimitName | undefined
  declare readonly usage: Usage
  declare readonly leftInOutputs: readonly LeftInOutput[]
  declare readonly kept: Kept | undefined
  readonly session: Session

  constructor(teardown: TeardownError, result: Result<Output & AnyOutput>, session: Session) {
    super(teardown.id, teardown.errors, undefined, 'ERR_BUILDJAIL_BUILD_TEARDOWN')
    carryResult(this, result)
    // Not enumerable: an error that is printed tells of the build, not of what it ran in.
    this.session = session
    Object.defineProperty(this, 'session', { enumerable: false })
  }
}

/**
 * Something of sessions of a pool could not be taken away; one error each in `errors`.
 * @remedy End what holds them and call the pool's `close()` again.
 * @category session
 */
export class PoolTeardownError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_POOL_TEARDOWN'
  readonly errors: readonly unknown[]

  constructor(errors: readonly unknown[]) {
    super('ERR_BUILDJAIL_POOL_TEARDOWN', errors.map((error) => (error instanceof Error ? error.message : String(error))).join('; '), { step: 'close' })
    this.errors = errors
  }
}
