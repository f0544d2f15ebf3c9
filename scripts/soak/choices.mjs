// The random choices of a soak. Each build's are drawn from the seed and its number alone, so that a seed repeats them
// whatever the order in which builds begin and end. When they take effect is the machine's affair.
import { kinds } from './kinds.mjs'

const names = Object.keys(kinds)
const ways = ['openSession', 'build', 'pool']

/**
 * @typedef {object} Choice
 * @property {string} kind
 * @property {'openSession' | 'build' | 'pool'} way how its session is had, where that can be
 * @property {'build' | 'controller' | undefined} victim who is killed, if anybody
 * @property {number} moment when: a share of how long builds take, from 0 to 1.2
 * @property {'commands' | 'envelope'} target what of a build: its commands, or where the system has such a process, the one
 * that holds its envelope together
 */

/**
 * @param {number} seed
 * @param {number} build its number
 * @param {number} kill the chance that somebody is killed
 * @returns {Choice}
 */
export function choose(seed, build, kill) {
  const draw = numbersFrom(seed, build)
  const one = (list) => list[Math.floor(draw() * list.length)]
  const choice = { kind: one(names), way: one(ways), moment: draw() * 1.2, target: one(['commands', 'envelope']) }
  const victim = one(['build', 'controller'])
  return { ...choice, victim: draw() < kill ? victim : undefined }
}

/** Numbers from 0 up to 1, by Mulberry32 (Tommy Ettinger, 2017): small, and good enough to choose by. */
function numbersFrom(seed, build) {
  let state = (seed ^ Math.imul(build + 1, 0x9e3779b1)) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
