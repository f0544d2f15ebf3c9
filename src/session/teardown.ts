import { carryResult } from '../command/command-error.ts'
import type { AnyOutput, Result, Usage } from '../command/result.ts'
import { BuildjailError, TeardownError, typed } from '../errors.ts'
import type { Session } from './session.ts'

/**
 * @param failures as native code reports them
 * @param cause the error before, where there was one
 */
export function teardownError(id: string, failures: readonly unknown[], cause?: unknown): TeardownError {
  return new TeardownError(id, failures.map((failure) => typed(failure) as BuildjailError), cause)
}

/**
 * A session that could not be taken down, after a build that ran. It has the fields of the build's own result, be that a success or a
 * failure. `session.close()` tries again.
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
  declare readonly usage: Usage
  readonly session: Session

  constructor(teardown: TeardownError, result: Result<Output & AnyOutput>, session: Session) {
    super(teardown.id, teardown.errors, undefined, 'ERR_BUILDJAIL_BUILD_TEARDOWN')
    carryResult(this, result)
    // Not enumerable: an error that is printed tells of the build, not of what it ran in.
    this.session = session
    Object.defineProperty(this, 'session', { enumerable: false })
  }
}

/** Sessions of a pool that could not be taken away, one error each. `SessionPool.close` tries again. */
export class PoolTeardownError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_POOL_TEARDOWN'
  readonly errors: readonly unknown[]

  constructor(errors: readonly unknown[]) {
    super('ERR_BUILDJAIL_POOL_TEARDOWN', errors.map((error) => (error instanceof Error ? error.message : String(error))).join('; '), { step: 'close' })
    this.errors = errors
  }
}
