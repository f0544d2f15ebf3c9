// `node scripts/linux-guest/run.mjs [--as root|user] -- COMMAND`: any command in a Linux guest, in the package's folder. One word is a
// line for sh, more are a command and its arguments.
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'
import { callers, runInGuest } from './guest-session.mjs'

const words = process.argv.slice(2)
const as = words[0] === '--as' ? words.splice(0, 2)[1] : 'root'
if (words[0] === '--') words.shift()

await runMain(() => {
  if (words.length === 0 || !Object.hasOwn(callers, as)) {
    throw new Error("usage: node scripts/linux-guest/run.mjs [--as root|user] -- COMMAND [ARGUMENT...] | 'SHELL LINE'")
  }
  return runInGuest([{ as, line: words.length === 1 ? words[0] : shellWords(words) }])
})
