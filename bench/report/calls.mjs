// System calls of buildjail against those of the floor program, by name.
import { number, table } from './table.mjs'

const bar = 1.1

/** Both side by side, as many as there are in one of so many acts, the most frequent first: of the names of all. */
export function actOf(name, acts, { own, floor }) {
  const perAct = (names, call) => Number((names.filter((one) => one === call).length / acts).toFixed(2))
  const names = [...new Set([...own, ...floor])]
  const calls = names.map((call) => ({ name: call, buildjail: perAct(own, call), floor: perAct(floor, call) }))
  return { name, calls: calls.sort((a, b) => b.buildjail - a.buildjail || b.floor - a.floor) }
}

/** @param {ReturnType<typeof actOf>} act */
export function judged({ calls }) {
  const sum = (of) => Number(calls.reduce((total, call) => total + call[of], 0).toFixed(2))
  const [buildjail, floor] = [sum('buildjail'), sum('floor')]
  const ratio = buildjail / floor
  return { buildjail, floor, ratio, bar, verdict: ratio <= bar ? 'holds' : 'does not hold' }
}

export function actMarkdown(act) {
  const { buildjail, floor, ratio, verdict } = judged(act)
  const rows = act.calls.map(({ name, buildjail: own, floor: least }) => [`\`${name}\``, own, least])
  const heading = `## System calls of a ${act.name}\n\n${number(ratio)} times the floor's: ${verdict}.`
  return `${heading}\n\n${table(['', 'buildjail', 'floor'], [...rows, ['together', buildjail, floor]])}`
}
