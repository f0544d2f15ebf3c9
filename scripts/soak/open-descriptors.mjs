// Which descriptors this process has open. FreeBSD's /dev/fd lists three whatever is open, unless fdescfs(4) is mounted there;
// fstat(2) tells of any.
import { constants, fstatSync, readFileSync, readlinkSync } from 'node:fs'

/** A descriptor is the lowest free number (open(2)): above this there is none in any program of ours. */
const most = 1024

/** Sessions that are begun ahead (native/linux/blanks): so many, each with a socket and the descriptor of a process. */
export const mostBlanks = 4

/**
 * But for what is there for the next sessions, or not: blanks (native/linux/blanks), and user namespaces, with the lease of their ids where
 * they are sessions' (native/linux/user_namespaces), which are as many as there were sessions at once. One socket is left out for each
 * blank, whichever: none tells whose it is.
 * @returns {number[]}
 */
export function openDescriptors() {
  const all = Array.from({ length: most }, (_, fd) => fd).filter((fd) => modeOf(fd) !== undefined && !isUserSpace(fd))
  const blank = all.filter(isBlank)
  const theirs = all.filter((fd) => nameOf(fd).startsWith('socket:')).slice(-blank.length)
  return blank.length === 0 ? all : all.filter((fd) => !blank.includes(fd) && !theirs.includes(fd))
}

/** How many sessions are begun ahead; Linux. */
export function blanks() {
  return Array.from({ length: most }, (_, fd) => fd).filter(isBlank).length
}

const kinds = new Map([
  [constants.S_IFIFO, 'pipe'],
  [constants.S_IFSOCK, 'socket'],
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFCHR, 'device'],
])

/** What one is of that was open; the kernel's other objects have no kind of file. A thread that makes blanks may have closed it. */
export function kindOfDescriptor(fd) {
  const mode = modeOf(fd)
  return mode === undefined ? 'closed' : (kinds.get(mode & constants.S_IFMT) ?? 'other')
}

function modeOf(fd) {
  try {
    return fstatSync(fd).mode
  } catch (error) {
    if (error.code === 'EBADF') return undefined
    throw error
  }
}

function isUserSpace(fd) {
  return /^user:|\/ids-\d+$/.test(nameOf(fd))
}

/** It is the descriptor of such a process (pidfd_open(2)). */
function isBlank(fd) {
  if (nameOf(fd) !== 'anon_inode:[pidfd]') return false
  try {
    const pid = /^Pid:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'buildjail-blank\n'
  } catch {
    // It is over.
    return false
  }
}

function nameOf(fd) {
  if (process.platform !== 'linux') return ''
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
