// Which descriptors this process has open. FreeBSD's /dev/fd lists three whatever is open, unless fdescfs(4) is mounted there;
// fstat(2) tells of any.
import { fstatSync, readlinkSync } from 'node:fs'

/** A descriptor is the lowest free number (open(2)): above this there is none in any program of ours. */
const most = 1024

/**
 * But for the networks that are made ahead for the next sessions (native/linux/spare_networks), which may be there or not.
 * @returns {number[]}
 */
export function openDescriptors() {
  return Array.from({ length: most }, (_, fd) => fd).filter((fd) => isOpen(fd) && !isSpareNetwork(fd))
}

/** How many networks are made ahead; Linux. */
export function spareNetworks() {
  return Array.from({ length: most }, (_, fd) => fd).filter(isSpareNetwork).length
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

function isSpareNetwork(fd) {
  if (process.platform !== 'linux') return false
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('net:')
  } catch {
    return false
  }
}
