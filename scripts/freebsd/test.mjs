// `npm run test:freebsd [-- VITEST ARGUMENTS]`: the package's own suite on a FreeBSD kernel, under Bun.
import { checkSymbols } from '../check-symbols.mjs'
import { watcherOf } from './cross-compile.mjs'
import { runInGuest } from './guest-session.mjs'
import { runMain } from './not-run.mjs'
import { shellWords } from './shell-words.mjs'

const vitest = 'bun --bun node_modules/vitest/vitest.mjs run --root . --config test/vitest.config.ts'

function inspect(addon) {
  for (const file of [addon, watcherOf(addon)]) console.error(`[freebsd] ${checkSymbols(file)}`)
}

await runMain(() => runInGuest([vitest, shellWords(process.argv.slice(2))].join(' '), { inspect }))
