// State and lease directories of its own for what root runs on Linux, in a mount namespace: it sees no session of another program and disturbs none.
import { spawnSync } from 'node:child_process'

const own = 'for place in /run/buildjail /run/buildjail-leases; do mkdir -p -m 700 $place && mount -t tmpfs -o mode=700 tmpfs $place || exit; done; exec "$@"'

/** A container may let root make no namespace of mounts. */
const canBeApart = () => process.platform === 'linux' && process.geteuid() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0

/**
 * @param {readonly string[]} command
 * @returns {string[]} the command with such places, where there can be any
 */
export const inOwnPlaces = (command) => (canBeApart() ? ['unshare', '--mount', 'sh', '-c', own, 'sh', ...command] : [...command])
