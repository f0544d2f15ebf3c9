// `node scripts/freebsd/run.mjs -- COMMAND`: any command in a FreeBSD guest, in the unpacked package. One word is a
// line for sh, more are a command and its arguments.
import { runInGuest } from './guest-session.mjs'
import { runMain } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'

const words = process.argv.slice(2).filter((word, index) => index > 0 || word !== '--')

await runMain(async () => {
  if (words.length === 0) throw new Error("usage: node scripts/freebsd/run.mjs -- COMMAND [ARGUMENT...] | 'SHELL LINE'")
  return runInGuest(words.length === 1 ? words[0] : shellWords(words))
})
