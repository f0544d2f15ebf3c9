// The program's options.
import { parseArgs } from 'node:util'

export const usage = `usage: npm run bench[:freebsd] -- [--no-bars] [--record FILE] [--page FILE] [--only CASE]...

  --full         every case, with many samples; npm run bench has it, and in the FreeBSD guest it is never had
  --bars         exit 1 where a ratio does not hold; npm run bench has it
  --no-bars      exit 0 all the same
  --record FILE  write the figures, the machine and the ratios as JSON; - for one line on stdout
  --page FILE    write them as a page for a browser
  --only CASE    this case; may be given again`

/**
 * @param {string[]} argv
 * @param {{ name: string, isBrief?: boolean }[]} cases
 * @throws Error with one sentence for a person
 */
export function readOptions(argv, cases) {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      full: { type: 'boolean', default: false },
      bars: { type: 'boolean', default: false },
      record: { type: 'string' },
      page: { type: 'string' },
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  })
  const names = cases.map(({ name }) => name)
  const unknown = (values.only ?? []).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`--only: there is no case ${unknown} here; there are ${names.join(', ')}`)
  const { help, full, bars, record, page } = values
  const only = values.only ?? cases.filter(({ isBrief }) => full || isBrief === true).map(({ name }) => name)
  return { isHelp: help, isQuick: !full, hasBars: bars, record, page, only }
}
