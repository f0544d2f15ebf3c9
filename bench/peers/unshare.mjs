// unshare(1) and a shell in it that makes the mounts of a plan with util-linux's own tools.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { folder } from '../cases/folders.mjs'
import { writeFloorPlan } from '../floor/serve.mjs'
import { NotMeasured } from '../measure/not-measured.mjs'
import { spawnToEnd } from './spawn.mjs'

const script = fileURLToPath(new URL('unshare-session.sh', import.meta.url))
const namespaces = ['--mount', '--pid', '--net', '--ipc', '--uts', '--cgroup', '--fork', '--kill-child']

/** Runs true(1) in what a plan says. */
export async function unshareFromNode(bench, plan) {
  if (spawnSync('unshare', ['--version']).error !== undefined) throw new NotMeasured('unshare is not installed')
  if (process.geteuid() !== 0) throw new NotMeasured('the mounts of this peer need root')
  const args = [...namespaces, 'sh', script, await writeFloorPlan(bench, plan), folder(bench, 'unshare-root')]
  return () => spawnToEnd('unshare', args)
}
