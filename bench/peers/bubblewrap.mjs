// bubblewrap, which Flatpak and many others put a command into namespaces with: the same mounts and namespaces as a plan's.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

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
    ...Object.entries(plan.environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...plan.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...plan.mounts.flatMap(mountArguments),
    '--remount-ro',
    '/',
    '--chdir',
    plan.workingDirectory,
    ...command,
  ]
}

function mountArguments({ kind, target, source, writable }) {
  if (source === undefined) return [`--${kind}`, target]
  return [writable ? '--bind' : '--ro-bind', source, target]
}

/** Runs it as a program would, from Node, with its output collected. */
export async function runBubblewrap(args) {
  const child = spawn('bwrap', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stdout.resume()
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`bwrap failed (${status}): ${stderr}`)
}
