import { defineConfig } from 'vitest/config'

// One file is one long walk; its own limits are those of a hang.
const hour = 3_600_000

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    fileParallelism: false,
    maxWorkers: 1,
    pool: 'forks',
    globalSetup: 'test/probe/global-setup.ts',
    testTimeout: hour,
    hookTimeout: hour,
    setupFiles: 'test/stack-frames.ts',
  },
})
