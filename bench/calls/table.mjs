// System calls of buildjail against those of the floor program, by name.
import { number, table } from '../report/text.mjs'

/** At most so many times the floor's. */
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
export function callsVerdict({ calls }, { isJudged }) {
  const sum = (of) => Number(calls.reduce((total, call) => total + call[of], 0).toFixed(2))
  const [buildjail, floor] = [sum('buildjail'), sum('floor')]
  const ratio = buildjail / floor
  return { buildjail, floor, ratio, bar, verdict: isJudged ? (ratio <= bar ? 'holds' : 'does not hold') : 'not judged' }
}

export function callsText(act, options) {
  const { buildjail, floor, ratio, verdict } = callsVerdict(act, options)
  const rows = act.calls.map(({ name, buildjail: own, floor: least }) => [name, String(own), String(least), ''])
  const total = ['together', String(buildjail), String(floor), '']
  const judgement = verdict === 'not judged' ? '' : `, at most ${number(bar)}: ${verdict === 'does not hold' ? 'DOES NOT HOLD' : verdict}`
  return `system calls of a ${act.name}: ${number(ratio)} of the floor's${judgement}\n${table([['', 'buildjail', 'floor', ''], ...rows, total]).join('\n')}`
}
