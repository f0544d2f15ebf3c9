// A host program, whose stdin, stdout and stderr may be a terminal: what it does with a command that inherits them is its first
// argument, the rest is the command.
import { once } from 'node:events'

import { openSession } from '../../../dist/index.js'

const [what, ...command] = process.argv.slice(2)
const session = await openSession({})

const spawned = async (options) => {
  const child = session.spawn(command, options)
  const [code, signal] = await once(child, 'close')
  return signal ?? code
}

const acts = {
  /** Spawns it and ends with its code. */
  spawn: async () => {
    process.exitCode = await spawned({ stdio: 'inherit' })
  },
  /** Spawns it, says when it is over, and goes on. */
  after: async () => {
    const code = await spawned({ stdio: 'inherit' })
    console.log(`over with ${code}`)
    await new Promise((resolve) => setTimeout(resolve, 2000))
  },
  /** Two at a time, one of which ends before the other. */
  twice: async () => {
    const first = session.spawn(['sleep', '0.2'], { stdio: 'inherit' })
    const second = spawned({ stdio: 'inherit' })
    await once(first, 'close')
    console.log('first is over')
    process.exitCode = await second
  },
  /** An exception that nobody catches, while it runs. */
  throw: async () => {
    session.spawn(command, { stdio: 'inherit' })
    setTimeout(() => {
      throw new Error('thrown by the host program')
    }, 1500)
    await new Promise(() => {})
  },
}
// Not awaited: Bun does not end by an exception before the module itself has ended.
void acts[what]().then(() => session.close())
