import { describe } from 'vitest'

import { preflight } from '../../src/index.ts'

const { isSupported, obstacles } = preflight()

if (!isSupported) {
  const reasons = obstacles.map(({ check, problem, remedy }) => `${check}: ${problem}; ${remedy}`)
  console.warn(`skipped, as no session can be opened here: ${reasons.join(' / ')}`)
}

/** Tests that open sessions. Skipped, with the reason, where this process cannot. */
export const describeSession: typeof describe.skip = isSupported ? describe : describe.skip

export const isFreebsd: boolean = process.platform === 'freebsd'
