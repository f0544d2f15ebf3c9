import { describe } from 'vitest'

import { preflight } from '../../src/index.ts'

const isHere = process.platform === 'freebsd' && preflight().isSupported

if (!isHere) console.warn('skipped: system calls of FreeBSD, which need root on FreeBSD (npm run test:freebsd)')

/** Tests at the level of FreeBSD's system calls. Skipped, with the reason, elsewhere. */
export const describeFreebsd: typeof describe.skip = isHere ? describe : describe.skip
