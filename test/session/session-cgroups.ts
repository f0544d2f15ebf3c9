import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { stateDirectoryOf } from '../../src/spec/state-directory.ts'

/** A file system of cgroups that is mounted. */
export interface Hierarchy {
  readonly on: string
  readonly root: string
  readonly isUnified: boolean
  readonly options: readonly string[]
}

export function hierarchies(): Hierarchy[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [type, , options = ''] = after.split(' ')
    const [, , , root = '', on = ''] = before.split(' ')
    return type === 'cgroup' || type === 'cgroup2' ? [{ on, root, isUnified: type === 'cgroup2', options: options.split(',') }] : []
  })
}

/** Cgroups of sessions that are over: in which no process is, and of which no journal tells as it does of one that begins or ends. */
export function emptyCgroups(): string[] {
  if (process.platform !== 'linux') return []
  return hierarchies().flatMap(({ on }) => sessionsIn(on).filter(isOver)).sort()
}

/** Those of one session, one in each hierarchy that counts something for it. */
export function cgroupsOf(id: string): string[] {
  return hierarchies().flatMap(({ on }) => sessionsIn(on)).filter((directory) => path.basename(directory) === `buildjail-${id}`)
}

function sessionsIn(directory: string): string[] {
  return foldersIn(directory).flatMap((name) => (/^buildjail-[0-9a-f]{16}$/.test(name) ? [path.join(directory, name)] : sessionsIn(path.join(directory, name))))
}

function isOver(cgroup: string): boolean {
  const journal = path.join(stateDirectoryOf(), `${path.basename(cgroup).slice('buildjail-'.length)}.journal`)
  const inner = path.join(cgroup, 'session')
  return !existsSync(journal) && isEmpty(cgroup) && (!existsSync(inner) || isEmpty(inner))
}

function isEmpty(directory: string): boolean {
  try {
    return readFileSync(path.join(directory, 'cgroup.procs'), 'utf8') === ''
  } catch {
    // It is gone by now.
    return false
  }
}

function foldersIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    // It is gone by now.
    return []
  }
}
