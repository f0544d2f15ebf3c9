// `npm run test:install [-- --freebsd]`: what a new user does with the package, from its tarball: in a Debian without a compiler, with the
// npm that is here and with npm 12 under Node 24, as root; or in a FreeBSD guest, under Bun. Installing has to take less than ten seconds, and the first
// programs of the README have to work.
import { runMain } from './guest/not-run.mjs'
import { testOnDebian } from './test-install/debian.mjs'
import { testOnFreebsd } from './test-install/freebsd.mjs'

await runMain(() => (process.argv.includes('--freebsd') ? testOnFreebsd() : testOnDebian()))
