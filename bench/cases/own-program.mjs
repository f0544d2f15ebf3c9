// A program of its own, for a subject. A program that has had another for its child is slower in two ways, which are no
// matter of the subject's: it gets SIGCHLD for whatever ends, which wakes its event loop, and where it forked, its memory is
// copied as it is written to.
import { fileURLToPath } from 'node:url'

import { serve } from '../measure/served.mjs'

// A bare runtime is about 50 MB already, if its young garbage is not let grow.
const flags = globalThis.Bun === undefined ? ['--max-semi-space-size=1'] : []
const program = fileURLToPath(new URL('controller.mjs', import.meta.url))

/** Serves builds, runs and more of a spec, or of several at once; in a big program or on a host with the mounts of an fstab(5). */
export function serveController(spec, { lanes, mebibytes = 0, mounts } = {}) {
  const words = [...(mebibytes > 0 ? flags : []), program, JSON.stringify({ spec, lanes, mebibytes })]
  if (mounts === undefined) return serve(process.execPath, words)
  return serve('unshare', ['--mount', 'sh', '-c', 'mount -a -T "$1" && shift && exec "$@"', 'sh', mounts, process.execPath, ...words])
}
