import { defineConfig } from 'vitest/config'

// Programs are downloaded here.
const tenMinutes = 600_000

export default defineConfig({
  test: {
    include: ['test/examples/*.test.ts'],
    fileParallelism: false,
    maxWorkers: 1,
    pool: 'forks',
    testTimeout: tenMinutes,
    hookTimeout: tenMinutes,
    setupFiles: 'test/stack-frames.ts',
  },
})
