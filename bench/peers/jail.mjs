// jail(8) with the mounts of a plan in its mount.fstab, as an administrator would write it down: a root whose directories
// are made once, a jail that runs one command and is removed, which takes the mounts away.
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { folder } from '../cases/folders.mjs'
import { trueCommand } from '../cases/true-command.mjs'
import { spawnToEnd } from './spawn.mjs'

const jailName = 'bench-peer'

/** Runs true(1) in what a plan says. */
export function jailFromNode(bench, plan) {
  const root = folder(bench, 'jail-root')
  for (const directory of plan.directories) folder(bench, path.join('jail-root', directory))
  const output = folder(bench, 'jail-output')
  const fstab = path.join(bench.folder, 'jail-fstab')
  writeFileSync(fstab, plan.mounts.map((mount) => fstabLine(mount, root, output)).join(''))
  const file = path.join(bench.folder, 'jail.conf')
  writeFileSync(file, jailConf(root, fstab))
  const line = `jail -q -f '${file}' -c ${jailName} && jail -q -f '${file}' -r ${jailName}`
  return () => spawnToEnd('sh', ['-c', line])
}

// The output of the plan may be lent to a session at that moment; this peer has one of its own.
function fstabLine({ kind, source, target, writable }, root, output) {
  const on = path.join(root, target)
  if (kind === 'dev') return `devfs ${on} devfs rw,nosuid,noexec,ruleset=4 0 0\n`
  if (kind === 'tmpfs') return `tmpfs ${on} tmpfs rw,nosuid,mode=1777 0 0\n`
  return `${writable ? output : source} ${on} nullfs ${writable ? 'rw' : 'ro'},nosuid 0 0\n`
}

function jailConf(root, fstab) {
  return `${jailName} {
  path = "${root}";
  mount.fstab = "${fstab}";
  persist;
  ip4 = disable;
  ip6 = disable;
  exec.start = "${trueCommand()}";
}
`
}
