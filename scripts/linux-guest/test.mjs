// `npm run test:linux-guest [-- [--as root|user] VITEST ARGUMENTS]`: tests on the kernel that Debian ships, which has cgroup v2 alone,
// as root and then as an ordinary user whose cgroup is delegated. Without files these are the tests of Linux alone and of limits.
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'
import { callers, runInGuest } from './guest-session.mjs'

const words = process.argv.slice(2)
const named = words[0] === '--as' ? words.splice(0, 2)[1] : undefined
const vitest = 'node node_modules/vitest/vitest.mjs run --root . --config test/vitest.config.ts'
const files = words.length > 0 ? words : ['test/linux/', 'test/session/limits']

await runMain(() => {
  if (named !== undefined && !Object.hasOwn(callers, named)) throw new Error(`--as takes ${Object.keys(callers).join(' or ')}`)
  const who = named === undefined ? Object.keys(callers) : [named]
  return runInGuest(who.map((as) => ({ as, line: `echo '== as ${as}'; ${vitest} ${shellWords(files)}` })))
})
