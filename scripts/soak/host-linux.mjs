// Mounts, cgroups and processes of Linux.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Of a session, and of what is to be one. */
const [init, blank] = ['buildjail-init', 'buildjail-blank']

/** @param {Pick<import('./host.mjs').Setting, 'mark' | 'parents'>} setting */
export function linuxHost({ mark, parents }) {
  return { mounts: mounts(), cgroups: cgroups(), processes: processes(mark, parents) }
}

function mounts() {
  return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n').map((line) => line.split(' ')[4])
}

/** Of sessions, wherever file systems of cgroups are mounted. */
function cgroups() {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => / - cgroup2? /.test(line))
  return lines.flatMap((line) => cgroupsIn(line.split(' ')[4]))
}

function cgroupsIn(folder) {
  try {
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return folders.flatMap(({ name }) => (/^buildjail-[0-9a-f]{16}$/.test(name) ? [path.join(folder, name)] : cgroupsIn(path.join(folder, name))))
  } catch {
    // It is gone by now.
    return []
  }
}

/**
 * By pid. Commands are known by their mark. init has no environment: it counts when it is ours, or an orphan, which ends up with an ancestor
 * of ours. A blank counts only as an orphan.
 */
function processes(mark, parents) {
  const orphans = ancestors()
  const ours = new Map([[init, [...parents, ...orphans]], [blank, orphans]])
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    const process = lookAt(pid)
    if (process === undefined) return []
    const isOurs = ours.get(process.name)?.includes(process.parent) ?? process.environment.includes(`BUILDJAIL_SOAK=${mark}`)
    // What is dead stays listed until its parent has asked how it ended: ours has to have, others may take their time.
    const isForgotten = process.isDead && parents.includes(process.parent)
    return (isOurs && !process.isDead) || isForgotten ? [pid] : []
  })
}

function lookAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name is in parentheses, and may hold any character (proc_pid_stat(5)).
    const end = stat.lastIndexOf(')')
    const [state, parent] = stat.slice(end + 2).split(' ')
    const isDead = state === 'Z' || state === 'X'
    const environment = isDead ? [] : environmentOf(pid)
    return { name: stat.slice(stat.indexOf('(') + 1, end), isDead, parent: Number(parent), environment }
  } catch {
    // It is over.
    return undefined
  }
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch (error) {
    // Somebody else's, so not a command of ours.
    if (error.code === 'EACCES' || error.code === 'EPERM') return []
    throw error
  }
}

function ancestors() {
  const found = []
  for (let pid = process.ppid; pid > 0; pid = lookAt(pid)?.parent ?? 0) found.push(pid)
  return found
}
