import { setTimeout as sleep } from 'node:timers/promises'

import { isBuildjailError } from '../errors.ts'
import { outputKeys } from '../spec/outputs.ts'
import type { Plan } from '../spec/plan.ts'

/** The steps in which a session gets what no other may have at the same time. */
const leasing: ReadonlySet<string | undefined> = new Set(['output-lease', 'nested-sources', 'user-lease'])
const shortest = 5
const longest = 100

/** The outputs of one who waits. */
type Wanted = ReadonlySet<string>

/** Who waits in this environment, in the order in which they came. */
const line = new Set<Wanted>()

/**
 * Tries again while another session has what this one needs. The waiting is done here and on no thread of native code, which the
 * session that has it may need. Who waits for the same output comes to its turn in order, but for one last try when its time is over.
 * @param plan whose outputs are wanted
 * @param wait milliseconds
 * @param signal ends the waiting
 * @throws what the last try threw
 */
export async function whileTaken<T>({ mounts }: Pick<Plan, 'mounts'>, wait: number, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const end = performance.now() + wait
  const wanted = new Set(outputKeys(mounts))
  line.add(wanted)
  try {
    for (let pause = shortest; ; pause = Math.min(pause * 2, longest)) {
      const left = end - performance.now()
      const isOver = left <= 0 || signal?.aborted === true
      if (isOver || !isBehindOthers(wanted)) {
        try {
          return await attempt()
        } catch (error) {
          if (!isTaken(error) || isOver) throw error
        }
      }
      await sleep(Math.max(Math.min(pause, end - performance.now()), 0), undefined, signal === undefined ? {} : { signal }).catch(() => {})
    }
  } finally {
    line.delete(wanted)
  }
}

function isBehindOthers(wanted: Wanted): boolean {
  for (const other of line) {
    if (other === wanted) return false
    for (const key of wanted) if (other.has(key)) return true
  }
  return false
}

function isTaken(error: unknown): boolean {
  return isBuildjailError(error) && error.code === 'EBUSY' && leasing.has(error.step)
}
