// What `npm run soak` is asked for.
import { parseArgs } from 'node:util'

const options = {
  builds: { type: 'string', default: '1000' },
  concurrency: { type: 'string', default: '8' },
  kill: { type: 'string', default: '0.02' },
  within: { type: 'string', default: '2000' },
  seed: { type: 'string' },
  json: { type: 'string' },
}

const lastSeed = 2 ** 32 - 1

/**
 * @param {readonly string[]} argv
 * @returns {{ builds: number, concurrency: number, kill: number, within: number, seed: number, json: string | undefined }} `within`
 * is milliseconds; `seed` is drawn when none is given
 * @throws {Error} one sentence that names the option
 */
export function parseArguments(argv) {
  const { values } = parseArgs({ args: [...argv], options })
  if (values.json === '') throw new Error('--json: must be the path of a file')
  return {
    builds: wholeNumber('--builds', values.builds, 1, 100_000_000),
    concurrency: wholeNumber('--concurrency', values.concurrency, 1, 1000),
    kill: probability('--kill', values.kill),
    within: wholeNumber('--within', values.within, 0, 600_000),
    seed: values.seed === undefined ? Math.floor(Math.random() * lastSeed) : wholeNumber('--seed', values.seed, 0, lastSeed),
    json: values.json,
  }
}

function wholeNumber(option, text, least, most) {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new Error(`${option}: must be a whole number from ${least} to ${most}, not '${text}'`)
}

function probability(option, text) {
  const value = Number(text)
  if (/^[\d.]+$/.test(text) && value >= 0 && value <= 1) return value
  throw new Error(`${option}: must be a probability from 0 to 1, not '${text}'`)
}
