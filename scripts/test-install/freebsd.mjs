// In the guest there is no npm: the tarballs are unpacked as npm would, and Bun runs the programs.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { runInGuest } from '../freebsd/guest-session.mjs'
import { locateFreebsd } from '../freebsd/locate.mjs'
import { temporaryFolder } from '../guest/clean-up.mjs'
import { tarballsWith } from './tarballs.mjs'
import { program } from './program.mjs'

/** Each line is shown, and the first that fails ends it. */
const script = `set -eux
here=$PWD
rm -rf /var/tmp/project && mkdir -p /var/tmp/project/node_modules/buildjail /var/tmp/project/node_modules/@buildjail/freebsd-x64 && cd /var/tmp/project
cp "$here/for-install/program.js" .
echo '{ "name": "project", "private": true, "type": "module" }' > package.json
time tar -xzf "$here/for-install/buildjail.tgz" --strip-components 1 -C node_modules/buildjail
tar -xzf "$here/for-install/platform.tgz" --strip-components 1 -C node_modules/@buildjail/freebsd-x64
bun node_modules/buildjail/dist/cli/main.cjs doctor
bun node_modules/buildjail/dist/cli/main.cjs run -- sh -c 'echo in a jail'
bun program.js | grep built
grep -q project out/copy
bun node_modules/buildjail/dist/cli/main.cjs bench --only cold-build | tee bench.txt
if grep -q FAILED bench.txt; then exit 1; fi
cd / && rm -rf /var/tmp/project
echo 'installed and run on FreeBSD'
`

export async function testOnFreebsd() {
  locateFreebsd()
  const more = temporaryFolder()
  const folder = path.join(more, 'for-install')
  mkdirSync(folder)
  const { own, platform } = tarballsWith('freebsd-x64')
  cpSync(own, path.join(folder, 'buildjail.tgz'))
  cpSync(platform, path.join(folder, 'platform.tgz'))
  writeFileSync(path.join(folder, 'program.js'), program)
  writeFileSync(path.join(folder, 'install.sh'), script)
  return runInGuest('sh for-install/install.sh', { more })
}
