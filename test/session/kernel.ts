import { describe } from 'vitest'

import { preflight } from '../../src/index.ts'

const { isSupported, obstacles } = preflight()

/** Tests that open sessions are to fail, and not to be skipped, where no session can be opened. */
const isRequired = process.env['BUILDJAIL_TEST_SESSIONS'] === 'required'

if (!isSupported) {
  const reasons = obstacles.map(({ check, problem, remedy }) => `${check}: ${problem}; ${remedy}`)
  console.warn(`${isRequired ? 'to fail' : 'skipped'}, as no session can be opened here: ${reasons.join(' / ')}`)
}

/** Tests that open sessions. Skipped, with the reason, where this process cannot and need not. */
export const describeSession: typeof describe.skip = isSupported || isRequired ? describe : describe.skip

export const isFreebsd: boolean = process.platform === 'freebsd'
