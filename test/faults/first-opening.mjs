// In a thread of its own, so that its first session is the first of its environment: opens it with a fault armed, and tells how
// that went.
import { parentPort, workerData } from 'node:worker_threads'

import { binding } from '../../dist/native/load.js'
import { openSession, planOf } from '../../dist/index.js'

const { spec, fault } = workerData
const { faults } = binding()
const plan = planOf(spec)
faults.arm(fault)
const outcome = await openSession(plan).then(
  (session) => ({ session }),
  (error) => ({ error }),
)
const made = faults.disarm()
await outcome.session?.close()
const { name, code, errno, syscall, step } = outcome.error ?? {}
// A thread's port has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort.postMessage({ ...made, error: outcome.error && { name, code, errno, syscall, step } })
