// Which descriptors this process has open. FreeBSD's /dev/fd lists three whatever is open, unless fdescfs(4) is mounted there;
// fstat(2) tells of any.
import { constants, fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

/** A descriptor is the lowest free number (open(2)): above this there is none in any program of ours. */
const most = 1024

/** Sessions that are begun ahead (native/linux/blanks): so many, each with a socket and the descriptor of a process. */
export const mostBlanks = 4

/** So often a look is repeated at most, until two agree. */
const mostLooks = 20

/**
 * But for what is there for the next sessions, or not: blanks (native/linux/blanks), and user namespaces, with the lease of their ids where
 * they are sessions' (native/linux/user_namespaces), which are as many as there were sessions at once. One socket is left out for each
 * blank, whichever: none tells whose it is. What a blank has
 * that is being made counts: openAtRest is without it.
 * @returns {number[]}
 */
export function openDescriptors() {
  let found = look()
  // A thread makes and ends blanks meanwhile: a look may find a blank and not its socket, and then leaves out somebody else's.
  for (let looks = 1; looks < mostLooks; looks += 1) {
    const again = look()
    if (isDeepStrictEqual(found, again)) break
    found = again
  }
  return found.kept
}

/**
 * Those by kind that are open for longer than a blank is in the making: the least of several looks.
 * @returns {Promise<string[]>}
 */
export async function openAtRest() {
  let least = openDescriptors()
  for (let looks = 1; looks < 5; looks += 1) {
    await sleep(20)
    const now = openDescriptors()
    if (now.length < least.length) least = now
  }
  return least.map(kindOfDescriptor)
}

/** Each that is open with its name, so that one that was closed and opened anew is seen; and those that count. */
function look() {
  const all = openNumbers().filter((fd) => !isUserSpace(fd))
  const names = all.map(nameOf)
  const blank = all.filter(isBlank)
  const theirs = blank.length === 0 ? [] : all.filter((_, at) => names[at].startsWith('socket:')).slice(-blank.length)
  return { names, kept: all.filter((fd) => !blank.includes(fd) && !theirs.includes(fd)) }
}

/** A list has the descriptor by which it was read, which is closed by then. */
function openNumbers() {
  const numbers = process.platform === 'linux' ? readdirSync('/proc/self/fd').map(Number) : Array.from({ length: most }, (_, fd) => fd)
  return numbers.filter((fd) => modeOf(fd) !== undefined).toSorted((one, other) => one - other)
}

/** How many sessions are begun ahead; Linux. */
export function blanks() {
  return openNumbers().filter(isBlank).length
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
