// Where the time of a build goes: the calls that a program makes, and the steps that they are made of.
import { openSession, planOf } from '../../dist/index.js'
import { specWith, trueCommand } from './folders.mjs'

export const phases = {
  name: 'phases',
  title: 'a build of `true` by its calls, and each call by its steps: 10 inputs, 1 output, host toolchain',
  isBrief: true,
  async run(bench) {
    const spec = specWith(bench, 10)
    const command = [trueCommand()]
    const samples = new Map()
    const wanted = bench.samples(500)
    const before = Math.max(bench.warmUp, 5)
    for (let taken = -before; taken < wanted; taken += 1) {
      const build = await timed(spec, command)
      if (taken < 0) continue
      for (const [name, ms] of build) {
        if (!samples.has(name)) samples.set(name, [])
        samples.get(name).push(ms)
      }
    }
    // A step that some builds alone have took no time in the others.
    const padded = (some) => [...some, ...Array.from({ length: wanted - some.length }, () => 0)]
    return { subjects: [...samples].map(([name, some]) => ({ name, unit: 'ms', samples: padded(some) })), rounds: 1 }
  },
}

/** A build. Milliseconds by name, in the order in which they went by; steps of one name together. */
async function timed(spec, command) {
  const times = new Map()
  const time = async (name, call) => {
    const began = performance.now()
    const value = await call()
    times.set(name, performance.now() - began)
    return value
  }
  const steps = (phase, trace) => {
    for (const { step, ns } of trace) times.set(`${phase}: ${step}`, (times.get(`${phase}: ${step}`) ?? 0) + ns / 1e6)
  }
  const plan = await time('planOf', () => planOf(spec))
  const session = await time('openSession', () => openSession(plan))
  const opened = session.trace
  steps('openSession', opened)
  await time('run', () => session.run(command))
  await time('close', () => session.close())
  steps('close', session.trace.slice(opened.length))
  return times
}
