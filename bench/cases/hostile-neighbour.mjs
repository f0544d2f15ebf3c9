// Whether a build that takes all it may of what builds have in common slows down the other sessions of the program. It has one
// processor's worth, so that what the others lose is not the processor alone; what that alone takes from them, `computing` shows.
import { setTimeout as sleep } from 'node:timers/promises'

import { openSession } from '../../dist/index.js'
import { compileHostile } from '../hostile/compile.mjs'
import { NotMeasured } from '../measure/not-measured.mjs'
import { inRounds, subjectsOf } from '../measure/turns.mjs'
import { hostileAttacks, phasesOfOther } from '../ratios.mjs'
import { folder, trueCommand } from './folders.mjs'

const limits = { cpus: 1, memory: '256M', processes: 256, openFiles: 1024, tmpSize: '64M', tmpFiles: 20_000, stdio: '16M' }
/** Until it has begun, in milliseconds. */
const headStart = 100

/** Milliseconds of each phase. */
async function other() {
  const at = [performance.now()]
  const session = await openSession({})
  at.push(performance.now())
  await session.run([trueCommand])
  at.push(performance.now())
  await session.close()
  at.push(performance.now())
  return phasesOfOther.map((_, phase) => at[phase + 1] - at[phase])
}

async function others(count) {
  const samples = []
  while (samples.length < count) samples.push(await other())
  return samples
}

/** Where it has printed as much as it may, it is killed and begins again; where its init had to go for want of memory, in a new session. */
async function attackUntil(signal, spec, attack) {
  while (!signal.aborted) {
    const session = await openSession(spec)
    try {
      while (!signal.aborted) await session.run(['/inputs/hostile/hostile', attack], { reject: false, signal, killSignal: 'SIGKILL' })
    } catch {
      // It is over, or its session is.
    } finally {
      await session.close()
    }
  }
}

const beside = (hostile, attack) => async (count) => {
  const ending = new AbortController()
  const attacking = attackUntil(ending.signal, { inputs: { hostile }, limits }, attack)
  await sleep(headStart)
  const samples = await others(count)
  ending.abort()
  await attacking
  return samples
}

/** The samples of all phases as those of a subject each. */
function byPhase({ subjects, ...rest }) {
  const taken = subjects.flatMap(({ name, samples }) => phasesOfOther.map((phase, index) => [`${phase}, ${name}`, samples.map((one) => one[index])]))
  return { subjects: subjectsOf(Object.fromEntries(taken)), ...rest }
}

export const hostileNeighbour = {
  name: 'hostile-neighbour',
  title: 'a session that is opened, runs `true` and is closed; alone, and beside a session with limits, of one processor, that attacks what they share',
  async run(bench) {
    const hostile = compileHostile(folder(bench, 'hostile'))
    await openSession({ limits }).then((session) => session.close(), (error) => {
      throw new NotMeasured(`the hostile session cannot have its limits: ${error.message}`)
    })
    const subjects = () => ({
      alone: () => ({ take: others }),
      ...Object.fromEntries(hostileAttacks.map((attack) => [`beside ${attack}`, () => ({ take: beside(hostile, attack) })])),
    })
    return byPhase(await inRounds(bench, { rounds: 5, samples: 1000, perBlock: 100, warmUp: 0 }, subjects))
  },
}
