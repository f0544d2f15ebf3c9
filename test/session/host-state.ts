import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'

import { openDescriptors } from '../../scripts/soak/open-descriptors.mjs'
import { JAIL_DYING, jailGet, mountTable } from '../../src/freebsd/index.ts'
import { stateDirectoryOf } from '../../src/spec/state-directory.ts'
import { emptyCgroups } from './session-cgroups.ts'

/** What a session could leave behind on the host. */
export interface HostState {
  readonly mounts: readonly string[]
  /** FreeBSD: `name (dying)` where it is. */
  readonly jails: readonly string[]
  readonly stateFolder: readonly string[]
  /** Files in the host's one place for them. */
  readonly leases: readonly string[]
  /** Linux: those of sessions that are over. */
  readonly cgroups: readonly string[]
  /** Of this process. */
  readonly descriptors: readonly number[]
}

export async function hostState(): Promise<HostState> {
  const isFreebsd = process.platform === 'freebsd'
  return {
    mounts: isFreebsd ? await freebsdMounts() : linuxMounts(),
    jails: isFreebsd ? await jails() : [],
    // What all sessions show in the place of what they exclude stays (native/state/files.h, make_empty).
    stateFolder: list(stateDirectoryOf()).filter((name) => name !== 'empty'),
    leases: signed(placeOfLeases()),
    cgroups: emptyCgroups(),
    descriptors: openDescriptors(),
  }
}

/**
 * A jail may take a moment to die, for the kernel's own bookkeeping. A cgroup without processes may belong to a session of
 * another program that begins or ends. Anything else must be gone at once.
 */
export async function expectSameState(before: HostState): Promise<void> {
  const after = await hostState()
  const none = { jails: [], descriptors: [], cgroups: [] }
  expect({ ...after, ...none }).toEqual({ ...before, ...none })
  await expect.poll(() => emptyCgroups().filter((one) => !before.cgroups.includes(one)), { timeout: 5000 }).toEqual([])
  await expectSameJails(before)
}

/** Of the jails that were dying before, some may have died. */
async function expectSameJails(before: HostState): Promise<void> {
  const isOld = (jail: string): boolean => before.jails.includes(jail)
  await expect.poll(async () => (await jailsNow()).filter((jail) => !isOld(jail)), { timeout: 5000 }).toEqual([])
  expect(await jailsNow()).toEqual(expect.arrayContaining(before.jails.filter((jail) => !jail.endsWith(' (dying)'))))
}

/** As expectSameState, where a session may have been replaced by another one of its kind. */
export async function expectSameButForIds(before: HostState): Promise<void> {
  const settled = (state: HostState): HostState => ({ ...state, jails: state.jails.filter((jail) => !jail.endsWith(' (dying)')), descriptors: [] })
  const nameless = (state: HostState): string => JSON.stringify(settled(state)).replaceAll(/[0-9a-f]{16}/g, 'id').replaceAll(/(user|ids)-\d+/g, '$1')
  await expect.poll(async () => nameless(await hostState()), { timeout: 5000 }).toBe(nameless(before))
}

/** As native/state/files has it. */
export function placeOfLeases(): string {
  const uid = process.geteuid?.() ?? 0
  if (uid !== 0) return `/tmp/buildjail-leases-${uid}`
  return process.platform === 'freebsd' ? '/var/run/buildjail-leases' : '/run/buildjail-leases'
}

/** But for the state directory's own, which is there from the first session of a process to its end (native/freebsd/system.cc). */
async function freebsdMounts(): Promise<string[]> {
  return (await mountTable()).filter(({ on }) => on !== stateDirectoryOf()).map(({ type, on }) => `${type} ${on}`)
}

async function jailsNow(): Promise<readonly string[]> {
  return process.platform === 'freebsd' ? jails() : []
}

async function jails(): Promise<string[]> {
  const found: string[] = []
  for (let lastjid = 0; ; ) {
    try {
      const jail = await jailGet({ lastjid }, ['jid', 'name', 'dying'], JAIL_DYING)
      lastjid = Number(jail['jid'])
      found.push(`${String(jail['name'])}${jail['dying'] === true ? ' (dying)' : ''}`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return found
      throw error
    }
  }
}

function linuxMounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n').map((line) => line.split(' ')[4] ?? '')
}

/** Leases that are nobody's, and whose files are there all the same. */
export function forgottenLeases(): readonly string[] {
  const locks = process.platform === 'linux' ? readFileSync('/proc/locks', 'utf8') : ''
  const isForgotten = (file: string): boolean => {
    const found = statSync(file, { throwIfNoEntry: false })
    return found?.size === 0 && !new RegExp(`:${found.ino} `).test(locks)
  }
  return list(placeOfLeases()).map((name) => path.join(placeOfLeases(), name)).filter(isForgotten)
}

/** What a program keeps for its next session is signed by none. */
function signed(folder: string): string[] {
  return list(folder).filter((name) => (statSync(path.join(folder, name), { throwIfNoEntry: false })?.size ?? 0) > 0)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
