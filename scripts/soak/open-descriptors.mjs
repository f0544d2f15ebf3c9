// Which descriptors this process has open. FreeBSD's /dev/fd lists three whatever is open, unless fdescfs(4) is mounted there;
// fstat(2) tells of any.
import { constants, fstatSync, readlinkSync } from 'node:fs'

/** A descriptor is the lowest free number (open(2)): above this there is none in any program of ours. */
const most = 1024

/** Made ahead, and kept for a next session (native/linux/networks): so many of either, with a loopback and without. */
export const mostSpareNetworks = 64

/** What sessions have in /etc, made once for a program (native/linux/prepared_mounts): so many contents. */
export const mostPreparedEtcs = 8

/**
 * But for what is there for the next sessions, or not: networks (native/linux/networks), and user namespaces with the lease of their ids
 * (native/linux/user_namespaces), which are as many as there were sessions at once.
 * @returns {number[]}
 */
export function openDescriptors() {
  return Array.from({ length: most }, (_, fd) => fd).filter((fd) => isOpen(fd) && !isNetwork(fd) && !isNetworkFile(fd) && !isMountSpace(fd) && !isUserSpace(fd))
}

/** How many networks are there for the next sessions; Linux. */
export function spareNetworks() {
  return Array.from({ length: most }, (_, fd) => fd).filter(isNetwork).length
}

/** Of how many contents /etc is there for sessions; Linux. One more is the empty root that they begin with (native/linux/prepared_mounts). */
export function mountSpaces() {
  return Array.from({ length: most }, (_, fd) => fd).filter(isMountSpace).length
}

const kinds = new Map([
  [constants.S_IFIFO, 'pipe'],
  [constants.S_IFSOCK, 'socket'],
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFCHR, 'device'],
])

/** What one is of that is open; the kernel's other objects have no kind of file. */
export function kindOfDescriptor(fd) {
  return kinds.get(fstatSync(fd).mode & constants.S_IFMT) ?? 'other'
}

function isOpen(fd) {
  try {
    fstatSync(fd)
    return true
  } catch (error) {
    if (error.code === 'EBADF') return false
    throw error
  }
}

function isNetwork(fd) {
  return nameOf(fd).startsWith('net:')
}

function isMountSpace(fd) {
  return nameOf(fd).startsWith('mnt:')
}

function isUserSpace(fd) {
  return /^user:|\/ids-\d+$/.test(nameOf(fd))
}

function isNetworkFile(fd) {
  return /^\/proc\/\d+\/net\/sockstat$/.test(nameOf(fd))
}

function nameOf(fd) {
  if (process.platform !== 'linux') return ''
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
