// `compare.mjs BEFORE AFTER [--bar N]`, and `buildjail bench compare`: what has become slower or faster from one record of the bench to
// another. Exits with 1 where something has become slower by more than the bar, and by more than chance.
import { parseArgs } from 'node:util'

import { comparison } from './report/comparison.mjs'
import { readResults } from './report/results.mjs'
import { interval, number, table } from './report/table.mjs'

function main() {
  const { values, positionals } = parseArgs({ options: { bar: { type: 'string', default: '1.1' } }, allowPositionals: true })
  const bar = Number(values.bar)
  if (positionals.length !== 2) throw new Error('usage: compare.mjs BEFORE AFTER [--bar N]')
  if (!(bar >= 1)) throw new Error('--bar: must be a number of at least 1')
  const [before, after] = positionals.map(readResults)
  const differing = ['system', 'kernel', 'processor', 'cores', 'runtime', 'user'].filter((name) => before.machine[name] !== after.machine[name])
  for (const name of differing) console.error(`buildjail: ${name} differs: ${before.machine[name]}, ${after.machine[name]}`)
  const lines = comparison(before, after, bar)
  if (lines.length === 0) throw new Error('the records have nothing in common')
  const rows = lines.map((line) => [line.case, `\`${line.subject}\``, number(line.before), number(line.after), line.unit, number(line.ratio.value), interval(line.ratio), line.verdict])
  console.log(table(['case', '', 'before', 'after', '', 'ratio', '95 % interval', ''], rows))
  return lines.some(({ verdict }) => verdict === 'too slow') ? 1 : 0
}

try {
  process.exitCode = main()
} catch (error) {
  console.error(`buildjail: ${error.message}`)
  process.exitCode = 125
}
