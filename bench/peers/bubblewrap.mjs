// bubblewrap, which Flatpak and many others put a command into namespaces with: the same mounts and namespaces as a plan's.
import { spawnSync } from 'node:child_process'

import { NotMeasured } from '../measure/available.mjs'
import { spawnToEnd } from './spawn.mjs'

/** The arguments by which bwrap makes what a plan says. It has its own idea of what belongs into /dev, which is close. */
function bubblewrapArguments(plan, command) {
  const namespaces = ['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup', ...(plan.network === 'none' ? ['--unshare-net'] : [])]
  return [
    ...namespaces, '--hostname', plan.hostname, '--new-session', '--die-with-parent', '--clearenv',
    ...Object.entries(plan.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...plan.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...plan.mounts.flatMap(mountArguments),
    '--remount-ro', '/', '--chdir', plan.cwd, ...command,
  ]
}

function mountArguments({ kind, target, source, writable }) {
  if (source === undefined) return [`--${kind}`, target]
  return [writable ? '--bind' : '--ro-bind', source, target]
}

/** Runs a plan's command as a program would, from Node. */
export function bubblewrapFromNode(plan, command) {
  if (spawnSync('bwrap', ['--version']).error !== undefined) throw new NotMeasured('bwrap is not installed (apt install bubblewrap)')
  const args = bubblewrapArguments(plan, command)
  return () => spawnToEnd('bwrap', args)
}
