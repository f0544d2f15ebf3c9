import { limitNames, limitTable, type LimitName } from '../spec/fields/limits.ts'
import type { PlanLimits } from '../spec/plan.ts'
import type { LimitRecord } from './record.ts'

/** What holds each, of those that it is known of before a session is open. */
const holders = limitNames.flatMap((limit) => {
  const { isOurs, rlimit } = limitTable[limit]
  const by = isOurs === true ? 'buildjail' : rlimit?.name
  return by === undefined ? [] : [{ limit, by }]
})

/**
 * The limits that every command of a session gets, or that this program holds itself.
 * @param countsCpuTime whether the system says how much processor time the session takes
 */
export function ownLimits(limits: PlanLimits, countsCpuTime: boolean): LimitRecord[] {
  return holders.flatMap(({ limit, by }) => {
    const value = (limits as Partial<Record<LimitName, number>>)[limit]
    if (value === undefined || (limit === 'cpuTime' && !countsCpuTime)) return []
    return [{ limit, value, by }]
  })
}
