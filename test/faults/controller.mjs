// A host program to be killed: goes through a session's life, and at one call of one part of it it is. Comes to its end when that
// part makes fewer calls. With no number it tells what the part calls.
import { binding } from '../../dist/native/load.js'
import { openSession, planOf } from '../../dist/index.js'

const [spec, part, nth] = process.argv.slice(2)
const { faults } = binding()
const plan = planOf(JSON.parse(spec))
let session

const life = {
  open: async () => {
    session = await openSession(plan)
  },
  launch: () => session.run(['/bin/sh', '-c', 'sleep 1000 &'], { stdout: 'ignore', stderr: 'ignore' }),
  close: () => session.close(),
}

for (const [name, act] of Object.entries(life)) {
  if (name === part) faults.arm(nth === undefined ? { action: 'count' } : { action: 'kill', nth: Number(nth) })
  await act()
  if (name === part) console.log(JSON.stringify(faults.disarm().calls))
}
