import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const doublings = 11

const hostMount = (...args: string[]): void => {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`)
}

/**
 * Some 2,000 mounts of the host: with so many, few sources that lie side by side suffice to be copied out of one copy of their
 * folder (native/linux/mount_program). The function takes them away.
 */
export function mountMany(): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-test-'))
  hostMount('-t', 'tmpfs', 'tmpfs', folder)
  hostMount('--make-private', folder)
  // Each holds all that there is by then.
  for (let index = 0; index < doublings; index += 1) {
    const place = path.join(folder, String(index))
    mkdirSync(place)
    hostMount('--rbind', folder, place)
  }
  return () => {
    // With all that is mounted below (umount(2), MNT_DETACH).
    const { status, stderr } = spawnSync('umount', ['--lazy', folder], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`umount ${folder}: ${stderr}`)
    rmdirSync(folder)
  }
}
