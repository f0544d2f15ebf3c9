// FreeBSD counts what a jail uses only where its loader was told so (kern.racct.enable, rctl(8)). This makes an image that says so, or
// one that says no, whatever the given one says: what differs from that, in a file of its own (qcow2), once for each image.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'

import { findTool } from '../find-tool.mjs'
import { Guest } from './guest.mjs'
import { cacheFolder, runTool, timed } from './workspace.mjs'

/** `{ image, format }` of the image to boot: the given one as it is where qemu-img is missing, with a word about it. */
export async function imageThat(isCounting, image) {
  const qemuImg = findTool('qemu-img')
  if (qemuImg === undefined) {
    console.error("[freebsd] no qemu-img (Debian's package qemu-utils): whether the guest counts what jails use is the image's own affair")
    return { image, format: 'raw' }
  }
  const folder = cacheFolder('images', isCounting ? 'counting' : 'uncounted')
  const { mtimeMs, size } = statSync(image)
  const key = createHash('sha256').update(`${path.resolve(image)}\0${mtimeMs}\0${size}`).digest('hex').slice(0, 16)
  const made = path.join(folder, `${key}.qcow2`)
  if (!existsSync(made)) {
    for (const name of readdirSync(folder)) rmSync(path.join(folder, name))
    const work = path.join(folder, `work-${process.pid}`)
    runTool(qemuImg, ['create', '-q', '-f', 'qcow2', '-b', path.resolve(image), '-F', 'raw', work])
    // The last line of a setting is the one that counts.
    await timed('image', () => change(work, `echo 'kern.racct.enable="${Number(isCounting)}"' >> /boot/loader.conf`))
    renameSync(work, made)
  }
  return { image: made, format: 'qcow2' }
}

async function change(image, line) {
  const guest = new Guest({ image, format: 'qcow2', disks: [], isKept: true })
  try {
    await guest.logIn()
    await guest.shutDownAfter(line)
  } finally {
    guest.stop()
  }
}
