// bubblewrap, which Flatpak and many others put a command into namespaces with: the same mounts and namespaces as a plan's.
import { spawnSync } from 'node:child_process'

import { NotMeasured } from '../measure/not-measured.mjs'
import { spawnToEnd } from './spawn.mjs'

/** Runs a plan's command as a program would, from Node. bwrap has its own idea of what belongs into /dev, which is close. */
export function bubblewrapFromNode(plan, command) {
  if (process.platform !== 'linux') throw new NotMeasured('bubblewrap is for Linux')
  if (spawnSync('bwrap', ['--version']).error !== undefined) throw new NotMeasured('bwrap is not installed (apt install bubblewrap)')
  const namespaces = ['ipc', 'pid', 'uts', 'cgroup', ...(plan.network === 'none' ? ['net'] : [])]
  const args = [
    ...namespaces.map((name) => `--unshare-${name}`), '--hostname', plan.hostname, '--new-session', '--die-with-parent', '--clearenv',
    ...Object.entries(plan.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...plan.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...plan.mounts.flatMap(mountArguments),
    '--remount-ro', '/', '--chdir', plan.cwd, ...command,
  ]
  return () => spawnToEnd('bwrap', args)
}

function mountArguments({ kind, target, source, writable }) {
  if (source === undefined) return [`--${kind}`, target]
  return [writable ? '--bind' : '--ro-bind', source, target]
}
