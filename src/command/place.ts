import type { NativePipes } from '../native/binding.ts'
import type { JobEnd } from '../native/jobs.ts'
import type { JobCommand } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import type { AnyOutput, Result } from './result.ts'

/** Where a command runs: a session that is open, or one that is opened for it. */
export interface Place {
  /**
   * Its environment and directory are those of a command whose options name none. Its mounts say where the command can write.
   * @throws SpecError where there is none
   */
  plan(): Pick<Plan, 'env' | 'cwd' | 'mounts'>
  /** Resolves when the job can begin; undefined when it can begin at once. */
  ready(): Promise<unknown> | undefined
  /** Begins the job. After `ready`. */
  start(job: number, command: JobCommand): NativePipes | undefined
  /**
   * It is over. Called once where `plan` did not throw.
   * @param end undefined where it did not begin
   * @param result undefined where the command did not run
   * @throws the error that the caller gets instead of the command's
   */
  over(end: JobEnd | undefined, result: Result<AnyOutput> | undefined): void
}
