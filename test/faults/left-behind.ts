import { existsSync, lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import { kindOfDescriptor } from '../../scripts/soak/open-descriptors.mjs'
import { forgottenLeases, hostState, type HostState } from '../session/host-state.ts'
import { faults } from './controls.ts'
import { rules } from './full.ts'

interface Lent {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** What a session could leave behind: hostState, and of this process and of the output what is not to be seen in that. */
export interface Around extends Omit<HostState, 'descriptors'> {
  /** By their kinds: which sockets are those of blanks nothing tells. */
  readonly descriptors: readonly string[]
  readonly hasChildren: boolean
  readonly forgottenLeases: readonly string[]
  /** FreeBSD: of rctl(8), on any jail. */
  readonly rules: string
  readonly output: Lent | undefined
  /** Where there is one beside it: that, and what is in it. */
  readonly store: readonly Lent[]
}

export async function lookAround(output: string): Promise<Around> {
  // What is listed may be gone by now.
  const lent = (name: string): Lent | undefined => {
    const found = lstatSync(name, { throwIfNoEntry: false })
    return found && { name, uid: found.uid, gid: found.gid, mode: found.mode }
  }
  const store = path.join(path.dirname(output), 'store')
  const stores = existsSync(store) ? [store, ...readdirSync(store).map((name) => path.join(store, name))] : []
  const { descriptors, ...host } = await hostState()
  return { ...host, descriptors: descriptors.map(kindOfDescriptor).sort(), hasChildren: faults().hasChildren(), forgottenLeases: forgottenLeases(), rules: rules(), output: lent(output), store: stores.map(lent).filter((one) => one !== undefined) }
}

/** The same, once what earlier work had open is closed: the event loop may take a moment for it. */
export async function lookWhenSettled(output: string): Promise<Around> {
  for (let last = await lookAround(output); ; ) {
    await sleep(100)
    const next = await lookAround(output)
    if (isDeepStrictEqual(last, next)) return next
    last = next
  }
}

/** In which the kernel, which is emulated, takes away the network of a jail in which nothing is any more. */
const dyingBound = 20_000

/** What is there after a bound, in milliseconds, and was not before, or the other way round; empty when nothing is left. */
export async function leftBehind(before: Around, output: string, bound = 1000): Promise<string[]> {
  // A jail may take a moment to die, for the kernel's own bookkeeping, and so may the event loop with what it has open.
  for (let waited = 0; ; waited += 5) {
    const after = await lookAround(output)
    const keys = Object.keys(before) as (keyof Around)[]
    const changed = keys.filter((key) => !isDeepStrictEqual(before[key], after[key]))
    if (changed.length === 0) return []
    const isOnlyDying = changed.join() === 'jails' && after.jails.every((jail) => before.jails.includes(jail) || jail.endsWith('(dying)'))
    if (waited >= (isOnlyDying ? Math.max(bound, dyingBound) : bound)) return changed.map((key) => `${key} ${JSON.stringify(before[key])} -> ${JSON.stringify(after[key])}`)
    await sleep(5)
  }
}
