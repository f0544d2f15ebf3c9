// `npm run test:freebsd [-- [--faults|--real] VITEST ARGUMENTS]`: the package's own suite on a FreeBSD kernel, under Bun; or, with
// --faults or --real, what `npm run test:faults` or `npm run test:real` runs on Linux; --real takes --record as well.
// With --uncounted the kernel does not count what jails use (rctl(8)).
import { checkFaultCalls } from '../check-fault-calls.mjs'
import { checkSymbols } from '../check-symbols.mjs'
import { watcherOf } from '../addon-workspace.mjs'
import { temporaryFolder } from '../guest/clean-up.mjs'
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'
import { fetchForGuest } from '../real/fetched.mjs'
import { sayingRecords, takingRecords } from '../real/from-guest.mjs'
import { record } from '../real/page.mjs'
import { runInGuest } from './guest-session.mjs'
import { locateFreebsd } from './locate.mjs'
import { packageRoot } from './workspace.mjs'

const words = process.argv.slice(2)
const faults = words.includes('--faults')
const real = words.includes('--real')
const folder = faults ? 'test/faults' : real ? 'test/real' : 'test'
// The guest has no environment of ours.
const passed = ['BUILDJAIL_FAULT_STRIDE', 'BUILDJAIL_FUZZ_SEED'].flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${Number(process.env[name])} `]))
const vitest = `${passed.join('')}bun --bun node_modules/vitest/vitest.mjs run --root . --config ${folder}/vitest.config.ts`

function inspect(addon) {
  if (faults) console.error(`[freebsd] ${checkFaultCalls(addon, 'freebsd')}`)
  else for (const file of [addon, watcherOf(addon)]) console.error(`[freebsd] ${checkSymbols(file)}`)
}

const command = [vitest, shellWords(words.filter((word) => !['--faults', '--real', '--record', '--uncounted'].includes(word)))].join(' ')

async function runReal(options) {
  // What is missing is said before anything is fetched.
  locateFreebsd()
  const [more, records] = [temporaryFolder(), temporaryFolder()]
  fetchForGuest(packageRoot, more)
  const status = await runInGuest(sayingRecords(command), { ...options, more, told: takingRecords(records) })
  if (status === 0 && words.includes('--record')) record(packageRoot, records)
  return status
}

const options = { inspect, faults, isCounting: !words.includes('--uncounted') }
await runMain(() => (real ? runReal(options) : runInGuest(command, options)))
