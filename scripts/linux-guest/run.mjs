// `node scripts/linux-guest/run.mjs [--as root|user] [--sysctl NAME=VALUE]... [--tmp FILE-SYSTEM] -- COMMAND`: any command in a Linux
// guest, in the package's folder. One word is a line for sh, more are a command and its arguments.
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'
import { runInGuest } from './guest-session.mjs'
import { takeOptions } from './options.mjs'

await runMain(() => {
  const { as = 'root', guest, words } = takeOptions(process.argv.slice(2))
  if (words[0] === '--') words.shift()
  if (words.length === 0) {
    throw new Error("usage: node scripts/linux-guest/run.mjs [--as root|user] [--sysctl NAME=VALUE]... [--tmp FILE-SYSTEM] -- COMMAND [ARGUMENT...] | 'SHELL LINE'")
  }
  return runInGuest([{ as, line: words.length === 1 ? words[0] : shellWords(words) }], guest)
})
