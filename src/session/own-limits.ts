import type { PlanLimits } from '../spec/plan.ts'
import type { LimitRecord } from './record.ts'

const holders = { cpuTime: 'buildjail', openFiles: 'RLIMIT_NOFILE', fileSize: 'RLIMIT_FSIZE', output: 'buildjail', wallTime: 'buildjail' } as const

/**
 * The limits that every command of a session gets, or that this program holds itself.
 * @param countsCpuTime whether the system says how much processor time the session takes
 */
export function ownLimits(limits: PlanLimits, countsCpuTime: boolean): LimitRecord[] {
  return (Object.keys(holders) as (keyof typeof holders)[]).flatMap((limit) => {
    const value = limits[limit]
    if (value === undefined || (limit === 'cpuTime' && !countsCpuTime)) return []
    return [{ limit, value, by: holders[limit] }]
  })
}
