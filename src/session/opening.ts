import type { NativeEnvelope, NativePlan } from '../native/binding.ts'
import { jobError } from '../native/failure.ts'
import { expectJob, forgetJob } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { packJob, plainFrame, type JobFrame } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import { whileTaken } from './waiting.ts'

// Jobs without a command.

/**
 * @param plan of it `native` was read
 * @param wait milliseconds, for what another session has
 * @param signal ends the waiting
 * @throws UnsupportedError where one of the plan's limits cannot be held, SystemCallError
 */
export async function openEnvelope(native: NativePlan, id: string, plan: Plan, wait: number, signal?: AbortSignal): Promise<NativeEnvelope> {
  const frame: JobFrame = { ...plainFrame, id }
  return (await (wait === 0 ? runJob(native, frame) : whileTaken(plan, wait, () => runJob(native, frame), signal))) as NativeEnvelope
}

/**
 * Completes an envelope that was opened of a base, by the mounts that its session has beyond the base. Nothing can be launched in it before.
 * @param rest as `packRest` packs it
 * @throws SystemCallError
 */
export async function completeEnvelope(base: NativeEnvelope, rest: Uint8Array): Promise<void> {
  await runJob(base, { ...plainFrame, rest })
}

function runJob(of: NativePlan | NativeEnvelope, frame: JobFrame): Promise<NativeEnvelope | undefined> {
  return new Promise((resolve, reject) => {
    const job = expectJob({ ended: ({ failure, envelope }) => (failure === undefined ? resolve(envelope) : reject(jobError(failure))) })
    try {
      binding().start(of, packJob(job, undefined, frame))
    } catch (error) {
      forgetJob(job)
      reject(jobError(error))
    }
  })
}
