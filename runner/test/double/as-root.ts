import { describe, type SuiteAPI } from 'vitest'

const isRoot = process.geteuid?.() === 0
if (!isRoot) console.warn('skipped: what a runner does, as only root runs one')

const isInGuest = process.env['BUILDJAIL_IN_GUEST'] === '1'

/** `describe`, of what only root can have. */
export const describeAsRoot: SuiteAPI['skipIf'] extends (condition: never) => infer Api ? Api : never = describe.skipIf(!isRoot)

/** Of what is the same on each system: an emulated processor takes ten seconds to start a runner. */
export const describeOnce: typeof describeAsRoot = describe.skipIf(!isRoot || isInGuest)
