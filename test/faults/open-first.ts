import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import type { Spec } from '../../src/index.ts'
import type { FaultRequest, Made } from './controls.ts'
import { errnoOf } from './errnos.ts'
import type { Told } from './told.ts'
import { metBy, type Case } from './walk.ts'

interface Opened extends Made {
  readonly error?: Told
}

/** Opens a session, which is the first of its environment, and closes it; that environment has ended when this resolves. */
export async function openFirst(spec: Spec, fault: FaultRequest): Promise<Opened> {
  const worker = new Worker(new URL('first-opening.mjs', import.meta.url), { workerData: { spec, fault } })
  const ended = once(worker, 'exit')
  const [told] = (await once(worker, 'message')) as [Opened]
  await ended
  return told
}

/** The same with the case's fault armed; and the case as it was, as withFault has it. */
export async function openFirstWithFault(spec: Spec, { nth, errno }: Case): Promise<{ error?: Told; met: Case | undefined }> {
  const { error, ...made } = await openFirst(spec, { action: 'fail', nth, errno: errnoOf(errno) })
  return { ...(error && { error }), met: metBy(made, nth, errno) }
}
