// How a program is held up by its own call of `build`, where that has a spec to plan.
import { build } from '../../dist/index.js'
import { repeated } from '../measure/turns.mjs'
import { specWith, trueCommand } from './folders.mjs'

export const specStall = {
  name: 'spec-stall',
  title: 'the longest turn of the event loop in a build of `true`, of a spec with 1 output',
  settings: { samples: 400 },
  subjects: (bench) => ({
    '10 inputs': () => stallsOf(specWith(bench, 10)),
    'no inputs': () => stallsOf(specWith(bench, 0)),
  }),
}

const stallsOf = (spec) => ({ take: (count) => repeated(() => longestTurn(() => build(spec, [trueCommand])), count) })

async function longestTurn(start) {
  let [began, longest, isOver] = [performance.now(), 0, false]
  const turn = () => {
    const now = performance.now()
    longest = Math.max(longest, now - began)
    began = now
    if (!isOver) setImmediate(turn)
  }
  const ended = start()
  setImmediate(turn)
  await ended
  isOver = true
  return longest
}
