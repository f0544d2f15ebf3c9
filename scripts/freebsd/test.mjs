// `npm run test:freebsd [-- [--faults|--real] VITEST ARGUMENTS]`: the package's own suite on a FreeBSD kernel, under Bun; or, with
// --faults or --real, what `npm run test:faults` or `npm run test:real` runs on Linux. With --uncounted the kernel does not count what jails use (rctl(8)).
import { checkFaultCalls } from '../check-fault-calls.mjs'
import { checkSymbols } from '../check-symbols.mjs'
import { watcherOf } from '../addon-workspace.mjs'
import { runInGuest } from './guest-session.mjs'
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'

const words = process.argv.slice(2)
const faults = words.includes('--faults')
const folder = faults ? 'test/faults' : words.includes('--real') ? 'test/real' : 'test'
// The guest has no environment of ours.
const stride = process.env.BUILDJAIL_FAULT_STRIDE === undefined ? '' : `BUILDJAIL_FAULT_STRIDE=${Number(process.env.BUILDJAIL_FAULT_STRIDE)} `
const vitest = `${stride}bun --bun node_modules/vitest/vitest.mjs run --root . --config ${folder}/vitest.config.ts`

function inspect(addon) {
  if (faults) console.error(`[freebsd] ${checkFaultCalls(addon, 'freebsd')}`)
  else for (const file of [addon, watcherOf(addon)]) console.error(`[freebsd] ${checkSymbols(file)}`)
}

const command = [vitest, shellWords(words.filter((word) => !['--faults', '--real', '--uncounted'].includes(word)))].join(' ')
await runMain(() => runInGuest(command, { inspect, faults, isCounting: !words.includes('--uncounted') }))
