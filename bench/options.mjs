// The program's options.
import { parseArgs } from 'node:util'

export const usage = `usage: npm run bench[:freebsd] -- [--quick] [--no-bars] [--json FILE] [--only CASE]...

  --quick      fewer samples, under a minute; always so in the FreeBSD guest
  --no-bars    exit 0 even if a ratio does not hold
  --json FILE  write the figures, the machine and the ratios; - for one line on stdout
  --only CASE  this case; may be given again`

/**
 * @param {string[]} argv
 * @param {string[]} caseNames
 * @throws Error with one sentence for a person
 */
export function readOptions(argv, caseNames) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      'no-bars': { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = (values.only ?? []).find((name) => !caseNames.includes(name))
  if (unknown !== undefined) throw new Error(`--only: there is no case ${unknown} here; there are ${caseNames.join(', ')}`)
  const { help, quick, 'no-bars': noBars, json, only = caseNames } = values
  return { isHelp: help, isQuick: quick, hasBars: !noBars, json, only }
}
