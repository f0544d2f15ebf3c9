import { defineConfig } from 'vitest/config'

import { sessionPool } from './session-pool.mjs'

export default defineConfig({ test: { pool: sessionPool({ network: 'loopback' }) } })
