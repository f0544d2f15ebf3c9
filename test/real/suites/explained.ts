import type { Difference } from './differences.ts'

/** Every difference that is known, with its cause. One that no test shows any more fails `npm run test:real`. */
export const differences: readonly Difference[] = []
