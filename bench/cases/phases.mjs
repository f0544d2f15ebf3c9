// Where the time of a build goes: the calls that a program makes, and the steps that they are made of.
import { openSession, planOf } from '../../dist/index.js'
import { subjectsOf } from '../measure/turns.mjs'
import { specWith, trueCommand } from './folders.mjs'

export const phases = {
  name: 'phases',
  title: 'a build of `true` by its calls, and each call by its steps: 10 inputs, 1 output, host toolchain',
  isBrief: true,
  async run(bench) {
    const spec = specWith(bench, 10)
    const command = [trueCommand]
    const [warmUp, wanted] = bench.isQuick ? [5, 50] : [200, 500]
    for (let build = 0; build < warmUp; build += 1) await timed(spec, command)
    const samples = {}
    for (let build = 0; build < wanted; build += 1) {
      // A step that some builds alone have takes no time in the others.
      for (const [name, ms] of await timed(spec, command)) (samples[name] ??= Array(wanted).fill(0))[build] = ms
    }
    return { subjects: subjectsOf(samples) }
  },
}

/** A build. Milliseconds by name, in the order in which they went by; steps of one name together. */
async function timed(spec, command) {
  const times = {}
  const add = (name, ms) => (times[name] = (times[name] ?? 0) + ms)
  const time = async (name, call) => {
    const began = performance.now()
    const value = await call()
    add(name, performance.now() - began)
    return value
  }
  const plan = await time('planOf', () => planOf(spec))
  const session = await time('openSession', () => openSession(plan))
  const opened = session.steps
  for (const { step, ns } of opened) add(`openSession: ${step}`, ns / 1e6)
  await time('run', () => session.run(command))
  await time('close', () => session.close())
  for (const { step, ns } of session.steps.slice(opened.length)) add(`close: ${step}`, ns / 1e6)
  return Object.entries(times)
}
