import type { NativeSpend } from '../native/binding.ts'
import { limitsOfCommand, readRunLimits, type CheckedRunLimits } from '../spec/fields/limits.ts'
import { bare } from '../spec/plain-data.ts'
import type { PlanLimits } from '../spec/plan.ts'
import { asOption, type OptionCheck } from './options.ts'

export const checkLimits: OptionCheck = (value, entry): CheckedRunLimits => asOption(() => readRunLimits(value, entry))

/** Of commands that have no limits of their own: of one session all have the same, so that they are packed once (wire-job.ts). */
const ofSessions = new WeakMap<PlanLimits, CheckedRunLimits>()
const none: CheckedRunLimits = bare({})

/** The limits of a command; undefined without any. */
export function limitsFor(session: PlanLimits, own: CheckedRunLimits | undefined): CheckedRunLimits | undefined {
  const limits = (own === undefined ? ofSessions.get(session) : undefined) ?? limitsOfCommand(session, own ?? none)
  if (own === undefined) ofSessions.set(session, limits)
  return Object.keys(limits).length === 0 ? undefined : limits
}

/**
 * Spends the bytes of a command's stdout and stderr that are read here from its budget (`limits.stdio`). Native code has the budget, spends the bytes that it
 * reads itself from it too, and ends the command.
 */
export class StdioMeter {
  #spend: NativeSpend | undefined
  #isOver = false

  /** The command has begun. */
  begin(spend: NativeSpend | undefined): void {
    this.#spend = spend
  }

  /** Counts bytes that were read. Returns the part within the budget; the rest is not passed on. */
  count<Chunk extends Uint8Array>(chunk: Chunk): Chunk {
    // defence: this-program-reads-command
    const allowed = this.#spend?.(chunk.length) ?? chunk.length
    if (allowed === chunk.length) return chunk
    this.#isOver = true
    return chunk.subarray(0, allowed) as Chunk
  }

  /** Bytes read after the command's end count as well, although there is no command to end. */
  get isOver(): boolean {
    return this.#isOver
  }
}
