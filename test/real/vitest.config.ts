import { defineConfig } from 'vitest/config'

// Software is built here that takes minutes on its own.
const halfAnHour = 1_800_000

export default defineConfig({
  test: {
    include: ['test/real/*.test.ts'],
    fileParallelism: false,
    maxWorkers: 1,
    pool: 'forks',
    testTimeout: halfAnHour,
    hookTimeout: halfAnHour,
    setupFiles: 'test/stack-frames.ts',
  },
})
