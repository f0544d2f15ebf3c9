// `npm run test:install [-- --freebsd | --managers]`: what a new user does with the packages, from their tarballs. On Linux, from a registry of them on this
// host: with npm, pnpm, Yarn and Bun, and in a Debian without a compiler, with the npm that is here and with npm 12 under Node 24, as root. `--managers` leaves
// that Debian out. Or in a FreeBSD guest, under Bun. Installing has to take less than ten seconds, and the first programs of the README have to work.
import { runMain } from './guest/not-run.mjs'
import { testOnDebian } from './test-install/debian.mjs'
import { testOnFreebsd } from './test-install/freebsd.mjs'
import { testManagers } from './test-install/managers.mjs'
import { registryOf, tarballsWith } from './test-install/tarballs.mjs'
import { artefactHere } from './prebuilds/here.mjs'

await runMain(async () => {
  if (process.argv.includes('--freebsd')) return testOnFreebsd()
  const { name } = artefactHere()
  const registry = await registryOf(tarballsWith(name), name)
  testManagers(registry)
  return process.argv.includes('--managers') ? 0 : testOnDebian(registry)
})
