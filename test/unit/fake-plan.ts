import { planOf, type Plan } from '../../src/spec/plan.ts'

const platform = process.platform === 'freebsd' ? 'freebsd' : 'linux'
const spec = { toolchain: 'none', env: { A: 'session' } } as const

export const fakePlan: Plan = planOf(spec, { platform })

export const foreignPlan = (): Plan => planOf(spec, { platform: platform === 'freebsd' ? 'linux' : 'freebsd' })

// A plan opens sessions on the system that it was made for only: on a third system, a file of tests takes itself to be on Linux.
Object.defineProperty(process, 'platform', { value: platform })
