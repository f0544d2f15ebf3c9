// Whether a build that stops every command as soon as it is there holds up the other sessions of the program.
import { openSession } from '../../dist/index.js'
import { action } from '../measure/turns.mjs'

/** More launches than the program has threads; and what stops them, at once, so that its loop takes no processor from the others for long. */
const stopping = 'left=200000; while [ $left -gt 0 ]; do kill -STOP -1; left=$((left - 1)); done 2>/dev/null; exec sleep 100'
const commands = [['sh', '-c', stopping], ...Array.from({ length: 64 }, () => ['sleep', '100'])]

const other = action(async () => {
  const session = await openSession({})
  await session.run(['true'])
  await session.run(['sleep', '100'], { timeout: 1, reject: false })
  await session.close()
})

async function beside(count) {
  const session = await openSession({})
  const ends = commands.map((command) => session.run(command, { reject: false }).catch(() => {}))
  const samples = await other.take(count)
  await Promise.all([session.close(), ...ends])
  return samples
}

export const stoppedLaunches = {
  name: 'stopped-launches',
  title: 'a session that is opened, runs `true`, runs what its timeout ends, and is closed; alone and beside a build that stops 64 launches',
  systems: ['linux'],
  settings: { samples: 2000, perBlock: 200, warmUp: 0 },
  subjects: () => ({ 'beside it': () => ({ take: beside }), alone: () => other }),
}
