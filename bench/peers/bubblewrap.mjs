// bubblewrap, which Flatpak and many others put a command into namespaces with: the same mounts and namespaces as a plan's.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { NotMeasured } from '../measure/not-measured.mjs'
import { Served } from '../measure/served.mjs'
import { spawnToEnd } from './spawn.mjs'

const loop = fileURLToPath(new URL('bubblewrap-loop.sh', import.meta.url))

/** The arguments by which bwrap makes what a plan says. It has its own idea of what belongs into /dev, which is close. */
export function bubblewrapArguments(plan, command) {
  const network = plan.network === 'none' ? ['--unshare-net'] : []
  return [
    '--unshare-ipc',
    '--unshare-pid',
    '--unshare-uts',
    '--unshare-cgroup',
    '--hostname',
    plan.hostname,
    ...network,
    '--new-session',
    '--die-with-parent',
    '--clearenv',
    ...Object.entries(plan.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...plan.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...plan.mounts.flatMap(mountArguments),
    '--remount-ro',
    '/',
    '--chdir',
    plan.cwd,
    ...command,
  ]
}

function mountArguments({ kind, target, source, writable }) {
  if (source === undefined) return [`--${kind}`, target]
  return [writable ? '--bind' : '--ro-bind', source, target]
}

/** Runs a plan's command as a program would, from Node. */
export function bubblewrapFromNode(plan, command) {
  refuseWithout('bwrap', 'bubblewrap')
  const args = bubblewrapArguments(plan, command)
  return () => spawnToEnd('bwrap', args)
}

/** A shell that starts it, again and again; close it afterwards. */
export function bubblewrapFromShell(plan, command) {
  refuseWithout('bwrap', 'bubblewrap')
  refuseWithout('bash', 'bash')
  return new Served('bash', [loop, ...bubblewrapArguments(plan, command)])
}

function refuseWithout(command, debianPackage) {
  if (spawnSync(command, ['--version']).error === undefined) return
  throw new NotMeasured(`${command} is not installed (apt install ${debianPackage})`)
}
