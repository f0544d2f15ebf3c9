// `npm test [-- FILES AND OPTIONS OF VITEST]`. As root on Linux, the tests have state and lease directories of their own,
// in a mount namespace, so they see no session of another program and disturb none.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const suite = [process.execPath, vitest, 'run', '--root', root, '--config', 'test/vitest.config.ts', ...process.argv.slice(2)]

const own = 'for place in /run/buildjail /run/buildjail-leases; do mkdir -p -m 700 $place && mount -t tmpfs -o mode=700 tmpfs $place || exit; done; exec "$@"'
const apart = ['unshare', '--mount', 'sh', '-c', own, 'sh']

/** A container may let root make no namespace of mounts. */
const canBeApart = () => process.platform === 'linux' && process.geteuid() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0

const [program, ...words] = [...(canBeApart() ? apart : []), ...suite]
const { status, error } = spawnSync(program, words, { cwd: root, stdio: 'inherit' })
if (error !== undefined) throw error
process.exitCode = status ?? 1
