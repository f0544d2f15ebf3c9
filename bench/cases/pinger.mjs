// A thread that says what time it is, about a thousand times a second, and at once when it is asked by `asked`.
import { parentPort, workerData } from 'node:worker_threads'

const { asked, answer } = workerData
for (;;) {
  Atomics.wait(asked, 0, 0, 1)
  if (Atomics.load(asked, 0) === 1) {
    answer[0] = process.hrtime.bigint()
    Atomics.store(asked, 0, 0)
  } else {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has none
    parentPort.postMessage(process.hrtime.bigint())
  }
}
