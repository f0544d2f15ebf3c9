// The tools of FreeBSD's base system, as scripts use them: mount(8) for each mount of a plan, jail(8) for the command, umount(8).
import { NotMeasured } from '../measure/available.mjs'
import { spawnToEnd } from './spawn.mjs'

/** A script for sh(1) that makes a root of a plan's mounts, runs the command in a jail there, and takes all of it away. */
export function jailScript(plan, command) {
  const within = (target) => `"$root"${target === '/' ? '' : quoted(target)}`
  const made = plan.mounts.filter(({ target }) => target !== '/')
  return `set -e
root=$(mktemp -d)
undo() {
set +e
${made.toReversed().map(({ target }) => `umount ${within(target)}`).join('\n')}
umount "$root"
rmdir "$root"
}
trap undo EXIT
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p ${plan.directories.map(within).join(' ')}
${made.filter(({ kind }) => kind === 'file').map(({ target }) => `: > ${within(target)}`).join('\n')}
${made.map((mount) => `mount ${mountOptions(mount)} ${within(mount.target)}`).join('\n')}
${plan.links.map(({ path, target }) => `ln -s ${quoted(target)} ${within(path)}`).join('\n')}
jail -c path="$root" exec.system_jail_user exec.jail_user=nobody command=${command.map(quoted).join(' ')}
`
}

function mountOptions({ kind, source, writable, size }) {
  if (kind === 'dev') return '-t devfs -o ruleset=4 devfs'
  if (source === undefined) return `-t ${kind}${kind === 'tmpfs' ? ` -o size=${size}` : ''} ${kind}`
  return `-t nullfs -o ${writable ? 'nosuid' : 'ro,nosuid'} ${quoted(source)}`
}

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`

/** Runs a plan's command as a program would that calls a script, from Node. */
export function jailToolsFromNode(plan, command) {
  if (process.geteuid() !== 0) throw new NotMeasured('jail(8) is for root')
  const script = jailScript(plan, command)
  return () => spawnToEnd('/bin/sh', ['-c', script])
}
