import { describe, expect, test } from 'vitest'

import { binding } from '../../src/native/load.ts'

const isNative = process.platform === 'freebsd' || process.platform === 'linux'

describe.skipIf(!isNative)('the addon that is installed', () => {
  test('has nothing of the build for fault injection (test/faults/native)', () => {
    expect('start' in binding()).toBe(true)
    expect('faults' in binding()).toBe(false)
  })
})
