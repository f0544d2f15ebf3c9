// `run-in-guest.mjs LINE FOLDER`: a line for sh in a FreeBSD guest, in the package with the folder's contents put into it.
import { runInGuest } from '../scripts/freebsd/guest-session.mjs'
import { runMain } from '../scripts/guest/not-run.mjs'

const [line, more] = process.argv.slice(2)
await runMain(() => runInGuest(line, { more }))
