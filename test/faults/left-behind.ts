import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import { hostState, type HostState } from '../session/host-state.ts'
import { faults } from './controls.ts'

/** What a session could leave behind: hostState, and of this process and of the output what is not to be seen in that. */
export interface Around extends HostState {
  readonly hasChildren: boolean
  readonly output: { readonly uid: number; readonly gid: number; readonly mode: number }
}

export async function lookAround(output: string): Promise<Around> {
  const { uid, gid, mode } = statSync(output)
  return { ...(await hostState()), hasChildren: faults().hasChildren(), output: { uid, gid, mode } }
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

/** What is there after a bound, in milliseconds, and was not before, or the other way round; empty when nothing is left. */
export async function leftBehind(before: Around, output: string, bound = 1000): Promise<string[]> {
  // A jail may take a moment to die, for the kernel's own bookkeeping, and so may the event loop with what it has open.
  for (let waited = 0; ; waited += 5) {
    const after = await lookAround(output)
    const keys = Object.keys(before) as (keyof Around)[]
    const changed = keys.filter((key) => !isDeepStrictEqual(before[key], after[key]))
    if (changed.length === 0) return []
    if (waited >= bound) return changed.map((key) => `${key} ${JSON.stringify(before[key])} -> ${JSON.stringify(after[key])}`)
    await sleep(5)
  }
}
