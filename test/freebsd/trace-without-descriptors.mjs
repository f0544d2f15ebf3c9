// A host program that opens sessions with a trace, each time with one more free descriptor, until one opens. It says at which steps the others failed.
import { closeSync, openSync } from 'node:fs'

import { openSession } from '../../dist/index.js'

// What is done once is done.
await (await openSession({ trace: true })).close()
const taken = []
try {
  for (;;) taken.push(openSync('/dev/null'))
} catch (error) {
  if (error.code !== 'EMFILE') throw error
}
const steps = []
for (let isOpen = false; !isOpen && taken.length > 0; ) {
  closeSync(taken.pop())
  const session = await openSession({ trace: true }).catch((error) => void steps.push(error.step))
  isOpen = session !== undefined
  await session?.close()
}
for (const one of taken) closeSync(one)
console.log(JSON.stringify(steps))
process.exit()
