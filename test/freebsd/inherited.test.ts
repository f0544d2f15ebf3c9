import { expect, test } from 'vitest'

import { armed, attack, hostProgram, onHost, outputOf } from '../session/attacks/attack.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

describeProbed('of what its host program has from who started it, a command', () => {
  // promise: 10
  test('has no login name', async () => {
    expect(await outputOf(hostProgram(armed(), attack('probe', 'login'), onHost('surroundings')))).toBe('nobody\n')
  })

  // promise: 10
  test('has no ignored signal, none of the real-time signals either', async () => {
    expect(await outputOf(hostProgram(armed(), attack('probe', 'signals'), onHost('surroundings')))).toBe('\n')
  })
})
