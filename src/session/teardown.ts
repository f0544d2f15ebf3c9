import { carryResult } from '../command/command-error.ts'
import type { AnyOutput, Kept, LeftInOutput, Result, Usage } from '../command/result.ts'
import { TeardownError, typed, type BuildjailError, type BuildTeardownErrorCode } from '../errors.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import type { Session } from './session.ts'

/**
 * @param failures as native code reports them
 * @param cause the error before, where there was one
 */
export function teardownError(id: string, failures: readonly unknown[], cause?: unknown): TeardownError {
  return new TeardownError('ERR_BUILDJAIL_TEARDOWN', id, failures.map((failure) => typed(failure) as BuildjailError), cause)
}

/** Something could not be taken away after a `build` whose command ran. It has the fields of the result, be that a success or a failure. */
export class BuildTeardownError<Output = AnyOutput> extends TeardownError implements Result<Output> {
  declare readonly code: BuildTeardownErrorCode
  declare readonly id: string
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
    super('ERR_BUILDJAIL_BUILD_TEARDOWN', teardown.id, teardown.errors)
    carryResult(this, result)
    // Not enumerable: an error that is printed tells of the build, not of what it ran in.
    this.session = session
    Object.defineProperty(this, 'session', { enumerable: false })
  }
}
