// Finds the FreeBSD disk image to boot and the FreeBSD base system (sysroot) to compile against.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

import { NotRun } from '../guest/not-run.mjs'

const cache = path.join(homedir(), '.cache', 'buildjail', 'freebsd')
const image = process.env.BUILDJAIL_FREEBSD_IMAGE || path.join(cache, 'disk.img')
const sysroot = process.env.BUILDJAIL_FREEBSD_SYSROOT || path.join(cache, 'sysroot')

const howToGetThem = `
Both come from the FreeBSD project's download site, for example for 15.1:
  image    releases/CI-IMAGES/15.1-RELEASE/amd64/Latest/FreeBSD-15.1-RELEASE-amd64-BASIC-CI-ufs.raw.xz
           (unpacked with xz -d; it lets root log in on the serial console without a password)
  sysroot  releases/amd64/15.1-RELEASE/base.txz, unpacked: tar -C FOLDER -xf base.txz ./lib ./usr/include ./usr/lib
Put them at the paths above, or name them in BUILDJAIL_FREEBSD_IMAGE and BUILDJAIL_FREEBSD_SYSROOT.`

// A file that every unpacked base system has tells a sysroot from an empty folder.
const sysrootSign = path.join(sysroot, 'usr', 'include', 'sys', 'param.h')

/** `{ image, sysroot }`, both there. */
export function locateFreebsd() {
  const missing = [image, sysrootSign].filter((file) => !existsSync(file))
  if (missing.length > 0) {
    throw new NotRun(`no FreeBSD to test on. Looked for:\n  ${missing.join('\n  ')}\n${howToGetThem}`)
  }
  return { image, sysroot }
}

/** The sysroot's path, for what can do without one. */
export function sysrootOrNothing() {
  return existsSync(sysrootSign) ? sysroot : undefined
}
