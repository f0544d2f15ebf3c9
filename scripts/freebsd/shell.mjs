// `npm run shell:freebsd`: a root shell in a FreeBSD guest, in the unpacked package.
import { converseWithGuest } from './guest-session.mjs'
import { runMain } from '../guest/not-run.mjs'

await runMain(() => converseWithGuest())
