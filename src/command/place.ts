import type { NativePipes } from '../native/binding.ts'
import type { JobEnd } from '../native/jobs.ts'
import type { JobCommand } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import type { AnyOutput, Result } from './result.ts'

/** Where a command runs: a session that is open, or one that is opened for it. */
export interface Place {
  /**
   * What a command gets where its options say nothing, and where it can write.
   * @throws SpecError where there is none
   */
  plan(): Pick<Plan, 'env' | 'cwd' | 'mounts'>
  /** Waits for what has to be there before; undefined where nothing has to be waited for. */
  ready(): Promise<unknown> | undefined
  /** Begins the job. After `ready`. */
  start(job: number, command: JobCommand): NativePipes | undefined
  /**
   * It is over. Called once where `plan` did not throw.
   * @param end undefined where it did not begin
   * @param result undefined where the command did not run
   * @throws what the caller is to be told instead of how the command went
   */
  over(end: JobEnd | undefined, result: Result<AnyOutput> | undefined): void
}
