// A thread that says what time it is, about a thousand times a second.
import { parentPort } from 'node:worker_threads'

const never = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  Atomics.wait(never, 0, 0, 1)
  // A thread's own clock begins when it does. oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has none
  parentPort.postMessage(performance.timeOrigin + performance.now())
}
