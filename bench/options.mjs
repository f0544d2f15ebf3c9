// The program's options.
import { parseArgs } from 'node:util'

/** @throws Error with one sentence for a person */
export function readOptions(argv, cases) {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      // Every case, with many samples; in the FreeBSD guest it is never had.
      full: { type: 'boolean', default: false },
      // Whether to exit with 1 where a claim does not hold.
      bars: { type: 'boolean', default: false },
      // Files for the figures, as JSON and as a page for a browser; `-` is a line of JSON on stdout.
      record: { type: 'string' },
      page: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  })
  const { full, bars, record, page, only = cases.filter(({ isBrief }) => full || isBrief).map(({ name }) => name) } = values
  const unknown = only.find((name) => cases.every((one) => one.name !== name))
  if (unknown !== undefined) throw new Error(`--only: there is no case ${unknown} here; there are ${cases.map(({ name }) => name).join(', ')}`)
  return { isQuick: !full, hasBars: bars, record, page, only }
}
