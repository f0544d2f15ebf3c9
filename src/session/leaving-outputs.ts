import { outputKeys } from '../spec/outputs.ts'
import type { Plan } from '../spec/plan.ts'

/** By device and inode: outputs of sessions that are being closed while nobody waits for it, and when that is over. */
const leaving = new Map<string, Promise<unknown>>()

/** Told of a session of this plan whose closing nobody waits for. */
export function outputsLeave(plan: Plan, closing: Promise<unknown>): void {
  for (const key of outputKeys(plan.mounts)) {
    const over: Promise<unknown> = closing
      .catch(() => {})
      .finally(() => {
        if (leaving.get(key) === over) leaving.delete(key)
      })
    leaving.set(key, over)
  }
}

/**
 * A moment later an output is its owner's again; a caller that asks for it at once waits that moment, as nobody else has it.
 * Undefined where nothing has to be waited for.
 */
export function outputsReturning(plan: Plan): Promise<unknown> | undefined {
  if (leaving.size === 0) return undefined
  const waited = outputKeys(plan.mounts).flatMap((key) => leaving.get(key) ?? [])
  return waited.length === 0 ? undefined : Promise.all(waited)
}
