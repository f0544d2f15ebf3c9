import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { passing } from './passing.ts'
import { lackingOf, projectNamed } from './software.ts'

describeSession('a project that wants make and the tools beside it', () => {
  const folders = useFolders()

  test('is made, checked and installed', async (context) => {
    const why = lackingOf(['make', 'awk', 'tar', 'install'])
    context.skip(why !== undefined, why)
    await using session = await openSession({ inputs: { project: projectNamed('make') }, output: folders.output })
    await passing(session, 'cp -R /inputs/project project')
    await passing(session, 'make', 'project')
    await passing(session, 'make check', 'project')
    await passing(session, 'make install DESTDIR=/output', 'project')
    const packed = path.join(folders.output, 'packed.tar')
    expect(existsSync(packed)).toBe(true)
    expect(execFileSync('tar', ['-xOf', packed], { encoding: 'utf8' })).toContain('\nsees 2\n')
  })
})
