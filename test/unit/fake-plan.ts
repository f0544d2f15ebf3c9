import { planOf, type Plan } from '../../src/spec/plan.ts'

const platform = process.platform === 'freebsd' ? 'freebsd' : 'linux'

// Planned for the system under the test whatever it is, so that sessions open on any.
export const fakePlan: Plan = { ...planOf({ toolchain: 'none', env: { A: 'session' } }, { platform }), platform: process.platform }
