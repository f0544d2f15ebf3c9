// Removes what cases have made. As a program, `remove FOLDER`, it waits for the death of the program at the other end of its stdin, and then
// removes what that left behind.
import { existsSync, lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import {
  devfsRuleset,
  interfaceDestroySync,
  JAIL_DYING,
  jailListSync,
  jailRemoveSync,
  MNT_FORCE,
  mountTableSync,
  rctlRemoveSync,
  unmountSync,
  type JailParameterValue,
} from 'buildjail/freebsd'

/** Something of the host outside of the case's own folder. */
export type Made =
  | { readonly kind: 'jail'; readonly name: string }
  | { readonly kind: 'ruleset'; readonly number: number }
  | { readonly kind: 'interface'; readonly name: string }

type Jail = Readonly<Record<string, JailParameterValue>>

/** In the folder of a case. A line is written, and in the file, before the thing is made. */
export const journalFile = 'journal'

/** Milliseconds for which a dying jail or a busy mount is waited for. */
const patience = 5000
const pause = 10

/**
 * Removes everything that one case made: its jails first, because their processes hold mounts; then mounts, the youngest first; then what both used.
 * Synchronous, so that it also works while the program ends. Does nothing if the folder is gone.
 * @throws AggregateError of everything that could not be removed
 */
export function removeAll(folder: string): void {
  if (!existsSync(folder)) return
  const made = journalOf(folder)
  const failures: Error[] = []
  const attempt = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      failures.push(error as Error)
    }
  }
  const isOurs = ({ name, path: root }: Jail): boolean => made.some((one) => one.kind === 'jail' && one.name === name) || isBelow(String(root), folder)
  attempt(() => removeJails(isOurs))
  attempt(() => unmountAll(folder))
  // A vnet jail gives its interfaces back when it is dead. A jail may stay dying for longer, for example because of a socket: that is no failure.
  attempt(() => void until(() => !jailListSync(['name', 'path'], JAIL_DYING).some(isOurs), patience))
  for (const one of made.toReversed()) attempt(() => undo(one))
  // With something still mounted in it, a recursive removal would empty the source of that mount.
  if (mountsBelow(folder).length === 0) attempt(() => rmSync(folder, { recursive: true, force: true }))
  if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join('; '))
}

/**
 * Removes what dead programs left, whose keepers died with them. A folder has to belong to our user: anybody may make one in /tmp, with a journal
 * that names somebody else's jail.
 */
export function removeOfDeadPrograms(top: string, prefix: string): void {
  for (const name of readdirSync(top).filter((one) => one.startsWith(prefix))) {
    const pid = Number(name.slice(prefix.length).split('-', 1)[0])
    const folder = path.join(top, name)
    const found = lstatSync(folder, { throwIfNoEntry: false })
    const isOurs = found !== undefined && found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0
    if (pid > 0 && isOurs && !isAlive(pid)) removeProgram(folder)
  }
}

/** Removes what all cases of one program made. */
function removeProgram(folder: string): void {
  if (!existsSync(folder)) return
  for (const one of readdirSync(folder)) removeAll(path.join(folder, one))
  rmSync(folder, { recursive: true, force: true })
}

/** The oldest first. A last line without its end is of something that was not made yet. */
function journalOf(folder: string): Made[] {
  const file = path.join(folder, journalFile)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as { readonly made: Made; readonly isSomebodyElses?: true })
  const others = new Set(lines.filter(({ isSomebodyElses }) => isSomebodyElses === true).map(({ made }) => JSON.stringify(made)))
  return lines.map(({ made }) => made).filter((made) => !others.has(JSON.stringify(made)))
}

function removeJails(isOurs: (jail: Jail) => boolean): void {
  for (const { jid } of jailListSync(['jid', 'name', 'path']).filter(isOurs)) {
    // EINVAL: the kernel removed it together with the jail above it.
    unless(['EINVAL'], () => jailRemoveSync(Number(jid)))
  }
}

function mountsBelow(folder: string): { readonly on: string; readonly fsid: string }[] {
  return mountTableSync().filter(({ on }) => isBelow(on, folder))
}

function unmountAll(folder: string): void {
  for (const { fsid } of mountsBelow(folder).toReversed()) {
    const isGone = (flags: number): boolean => {
      try {
        unmountSync(fsid, flags)
        return true
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EBUSY') return false
        if (code === 'ENOENT') return true
        throw error
      }
    }
    // The processes of the removed jails end soon. A mount that stays busy is held by a process outside.
    if (!until(() => isGone(0), patience / 2)) isGone(MNT_FORCE)
  }
}

function undo(made: Made): void {
  switch (made.kind) {
    case 'jail':
      // The rules of a jail outlive it (rctl(8)). ENAMETOOLONG: there was no jail of such a name.
      return unless(['ESRCH', 'ENOSYS', 'ENAMETOOLONG'], () => rctlRemoveSync(`jail:${made.name}`))
    case 'ruleset':
      return devfsRuleset(made.number).removeSync()
    case 'interface':
      return unless(['ENXIO'], () => interfaceDestroySync(made.name))
  }
}

function unless(codes: readonly string[], act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function until(isSo: () => boolean, most: number): boolean {
  const end = Date.now() + most
  while (!isSo()) {
    if (Date.now() > end) return false
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
  }
  return true
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isBelow(place: string, folder: string): boolean {
  return place === folder || place.startsWith(`${folder}/`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Ctrl-C is sent to the whole process group; the keeper has to outlive the suite.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.stdin.resume()
  process.stdin.once('close', () => removeProgram(process.argv[2] ?? ''))
}
