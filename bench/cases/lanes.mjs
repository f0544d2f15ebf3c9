// `lanes.mjs SERIES SPECS MS`: a program of its own that has as many commands at work as it is asked for, each by a spec of its
// own. Serves the rate in each of so many windows of MS milliseconds, a number a second.
import { build, planOf } from '../../dist/index.js'
import { serveRequests } from '../measure/served.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'

const [series, specs, ms] = process.argv.slice(2)
const plans = JSON.parse(specs).map((spec) => planOf(spec))
const starters = {
  'build(plan)': (plan) => () => build(plan, ['true']),
  'bwrap from Node': (plan) => bubblewrapFromNode(plan, ['true']),
  'child_process.spawn': () => () => spawnToEnd('true'),
}
const lanes = plans.map((plan) => starters[series](plan))

async function rate(count) {
  let ended = 0
  const began = performance.now()
  const work = async (start) => {
    do {
      await start()
      ended += 1
    } while (performance.now() - began < Number(ms))
  }
  await Promise.all(lanes.slice(0, count).map(work))
  return (ended * 1000) / (performance.now() - began)
}

const windowsOf = (lanesAtWork) => async (wanted) => {
  const rates = []
  while (rates.length < wanted) rates.push(await rate(lanesAtWork))
  return rates
}
await serveRequests(Object.fromEntries(lanes.map((_, index) => [index + 1, windowsOf(index + 1)])))
