// `npm run test:freebsd [-- [--faults] VITEST ARGUMENTS]`: the package's own suite on a FreeBSD kernel, under Bun; or, with
// --faults, what `npm run test:faults` runs on Linux.
import { checkFaultCalls } from '../check-fault-calls.mjs'
import { checkSymbols } from '../check-symbols.mjs'
import { watcherOf } from '../addon-workspace.mjs'
import { runInGuest } from './guest-session.mjs'
import { runMain } from './not-run.mjs'
import { shellWords } from './shell-words.mjs'

const words = process.argv.slice(2)
const faults = words.includes('--faults')
const config = faults ? 'test/faults/vitest.config.ts' : 'test/vitest.config.ts'
const vitest = `bun --bun node_modules/vitest/vitest.mjs run --root . --config ${config}`

function inspect(addon) {
  if (faults) console.error(`[freebsd] ${checkFaultCalls(addon, 'freebsd')}`)
  else for (const file of [addon, watcherOf(addon)]) console.error(`[freebsd] ${checkSymbols(file)}`)
}

const command = [vitest, shellWords(words.filter((word) => word !== '--faults'))].join(' ')
await runMain(() => runInGuest(command, { inspect, faults }))
