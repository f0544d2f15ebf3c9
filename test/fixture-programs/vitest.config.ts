import { defineConfig } from 'vitest/config'

// Of their own: that of the folder above has other files.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 60_000 } })
