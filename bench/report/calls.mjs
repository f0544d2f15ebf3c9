// System calls of buildjail against those of the floor program, by name.
import { number, table } from './table.mjs'

const bar = 1.1

/** How many of each there were in one of so many acts. @param {string[]} names of all @returns {Map<string, number>} */
export function perAct(names, acts) {
  const counts = new Map()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return new Map([...counts].map(([name, count]) => [name, Number((count / acts).toFixed(2))]))
}

/**
 * Both side by side, the most frequent first.
 * @param {string} name
 * @param {Map<string, number>} own
 * @param {Map<string, number>} least the floor's
 */
export function actOf(name, own, least) {
  const names = [...new Set([...own.keys(), ...least.keys()])]
  const calls = names.map((call) => ({ name: call, buildjail: own.get(call) ?? 0, floor: least.get(call) ?? 0 }))
  return { name, calls: calls.sort((a, b) => b.buildjail - a.buildjail || b.floor - a.floor) }
}

/** @param {ReturnType<typeof actOf>} act @param {{ isJudged: boolean }} options */
export function judged({ calls }, { isJudged }) {
  const sum = (of) => Number(calls.reduce((total, call) => total + call[of], 0).toFixed(2))
  const [buildjail, floor] = [sum('buildjail'), sum('floor')]
  const ratio = buildjail / floor
  const verdict = ratio <= bar ? 'holds' : 'does not hold'
  return { buildjail, floor, ratio, bar, verdict: isJudged ? verdict : 'not judged' }
}

export function actMarkdown(act, options) {
  const { buildjail, floor, ratio, verdict } = judged(act, options)
  const rows = act.calls.map(({ name, buildjail: own, floor: least }) => [`\`${name}\``, own, least])
  const heading = `## System calls of a ${act.name}\n\n${number(ratio)} times the floor's: ${verdict}.`
  return `${heading}\n\n${table(['', 'buildjail', 'floor'], [...rows, ['together', buildjail, floor]])}`
}
