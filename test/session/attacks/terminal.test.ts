import { expect, test } from 'vitest'

import type { Spec } from '../../../src/index.ts'
import { answers, armed, attack, describeAttack, hostProgram, onHost, outputOf } from './attack.ts'

// TIOCSTI puts characters into a terminal as if they were typed there: as the caller, to the caller's shell, once the build
// is over (ioctl_tty(2), tty(4)).
describeAttack('a build that is given the terminal of its caller as stdin', () => {
  const users: readonly Spec['user'][] = [undefined, 'root']
  test.each(users)('as %s types nothing into it, and cannot make it its own', async (user) => {
    const program = hostProgram(armed(user === undefined ? {} : { user }), attack('terminal', 'type'), onHost('terminal', 'of'))
    const output = answers(await outputOf(program))
    expect(output).toMatchObject({ typed: '0' })
    expect(Object.values(output)).not.toContain('ok')
    expect(Object.keys(output)).toHaveLength(6)
  })
})
