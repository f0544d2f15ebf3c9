import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { describeSession } from '../session/kernel.ts'
import { passing } from './passing.ts'
import { projectNamed } from './software.ts'

// The one that a session with the host's toolchain has.
const lacksVenv = spawnSync('/usr/bin/python3', ['-c', 'import venv, ensurepip']).status !== 0

describeSession('a project of Python', () => {
  test('gets an environment of its own, in which unittest passes with servers on localhost', async (context) => {
    context.skip(lacksVenv, 'this host has no /usr/bin/python3 that can make environments')
    await using session = await openSession({ inputs: { '/w': projectNamed('python') }, network: 'loopback', cwd: '/w' })
    await passing(session, '/usr/bin/python3 -m venv /tmp/environment')
    expect(await passing(session, '/tmp/environment/bin/python -m unittest -v')).toMatch(/^Ran 4 tests[^]*^OK$/m)
    expect(await passing(session, '/tmp/environment/bin/pip --version')).toContain('/tmp/environment/')
  })
})
