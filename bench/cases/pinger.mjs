// A thread that says what time it is, about a thousand times a second.
import { parentPort } from 'node:worker_threads'

const never = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  // Until the time is over, as nobody wakes it.
  Atomics.wait(never, 0, 0, 1)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has none
  parentPort.postMessage(process.hrtime.bigint())
}
