// `npm run test:linux-guest [-- [--as root|user] [--sysctl NAME=VALUE]... [--tmp FILE-SYSTEM] VITEST ARGUMENTS]`: tests on the kernel that
// Debian ships, which has cgroup v2 alone, as root and then as an ordinary user whose cgroup is delegated. Without files these are the
// tests of Linux alone and of limits.
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'
import { callers, runInGuest } from './guest-session.mjs'
import { takeOptions } from './options.mjs'

const vitest = 'node node_modules/vitest/vitest.mjs run --root . --config test/vitest.config.ts'

await runMain(() => {
  const { as, guest, words } = takeOptions(process.argv.slice(2))
  const who = as === undefined ? Object.keys(callers) : [as]
  const files = words.length > 0 ? words : ['test/linux/', 'test/session/limits']
  return runInGuest(who.map((one) => ({ as: one, line: `echo '== as ${one}'; ${vitest} ${shellWords(files)}` })), guest)
})
