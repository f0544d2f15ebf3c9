import { inject } from 'vitest'

import type { Probe } from './global-setup.ts'

export const probe: Probe = inject('probe')
