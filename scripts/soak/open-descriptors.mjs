// Which descriptors this process has open. FreeBSD's /dev/fd lists three whatever is open, unless fdescfs(4) is mounted there;
// fstat(2) tells of any.
import { constants, fstatSync, readlinkSync } from 'node:fs'

/** A descriptor is the lowest free number (open(2)): above this there is none in any program of ours. */
const most = 1024

/** Made ahead, and kept for a next session (native/linux/spare_networks): so many of either. */
export const mostSpareNetworks = 32

/**
 * But for the networks that are there for the next sessions (native/linux/spare_networks), which may be there or not.
 * @returns {number[]}
 */
export function openDescriptors() {
  return Array.from({ length: most }, (_, fd) => fd).filter((fd) => isOpen(fd) && !isNetwork(fd) && !isNetworkFile(fd))
}

/** How many networks are there for the next sessions; Linux. */
export function spareNetworks() {
  return Array.from({ length: most }, (_, fd) => fd).filter(isNetwork).length
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
