// What tells clang to compile for the FreeBSD that a sysroot is of.
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Clang's flags for the sysroot's release on x86-64. */
export function freebsdTarget(sysroot) {
  return [`--target=x86_64-unknown-freebsd${releaseOf(sysroot)}`, `--sysroot=${sysroot}`]
}

/** "15.1" of a sysroot whose headers say 1501000. */
function releaseOf(sysroot) {
  const header = readFileSync(path.join(sysroot, 'usr', 'include', 'sys', 'param.h'), 'utf8')
  const version = Number(/^#define __FreeBSD_version (\d+)/m.exec(header)?.[1])
  if (!Number.isInteger(version)) throw new Error(`no __FreeBSD_version in sys/param.h of ${sysroot}`)
  return `${Math.floor(version / 100_000)}.${Math.floor((version % 100_000) / 1000)}`
}
