import type { Telling } from '../events/telling.ts'
import type { NativePipes } from '../native/binding.ts'
import type { JobEnd } from '../native/jobs.ts'
import type { JobCommand } from '../native/wire-job.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import type { Plan } from '../spec/plan.ts'
import type { AnyOutput, Kept, LeftInOutput, Result } from './result.ts'

/** What is known of a command only once its session is gone. */
export interface Aftermath {
  readonly leftInOutputs: readonly LeftInOutput[]
  readonly kept: Kept | undefined
}

/** Where a command runs: a session that is open, or one that is opened for it. */
export interface Place {
  /** Of its session. */
  readonly telling: Telling
  /**
   * Its environment and directory are those of a command whose options name none. Its mounts say where the command can write.
   * @throws SpecError where there is none
   */
  plan(): Pick<Plan, 'env' | 'cwd' | 'platform' | 'mounts' | 'links' | 'directories' | 'limits'>
  /**
   * Resolves when the job can begin; undefined when it can begin at once.
   * @param signal ends the waiting for other sessions
   */
  ready(signal: AbortSignal | undefined): Promise<unknown> | undefined
  /** It is ended before it begins, which `ready` need not wait for any more where it waits for a turn; else nothing happens. */
  giveUp?(): void
  /** Begins the job. After `ready`. */
  start(job: number, command: JobCommand): NativePipes | undefined
  /** A command that ran there did not succeed. Comes before `over`. */
  noteFailure(): void
  /** The limit for which everything there was killed; undefined where nothing was. */
  limit(): LimitName | undefined
  /**
   * It is over. Called once where `plan` did not throw.
   * @param end undefined where it did not begin
   * @param result undefined where the command did not run
   * @returns undefined where the caller need not wait for more
   * @throws the error that the caller gets instead of the command's
   */
  over(end: JobEnd | undefined, result: Result<AnyOutput> | undefined): Promise<Aftermath> | undefined
}
