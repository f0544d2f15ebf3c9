import { expect, test } from 'vitest'

import { useFolders } from '../folders.ts'
import { armed, attack, describeAttack, hostProgram, onHost, outputOf } from './attack.ts'

describeAttack('what the host program has open', () => {
  const folders = useFolders()

  test('without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside', async () => {
    const before = onHost('hold', folders.top)
    const held = hostProgram(armed({ output: folders.output }), attack('probe', 'descriptors'), before)
    expect(await outputOf(held)).toBe('0 1 2 \n')
  })

  test('does not keep a session from opening or closing', async () => {
    const held = hostProgram(armed({ output: folders.output }), ['touch', '/output/made'], onHost('hold', folders.top))
    expect(await outputOf(held)).toBe('')
  })
})
