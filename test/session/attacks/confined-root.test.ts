import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { answers, armed, attack, describeAttack } from './attack.ts'

describeAttack('a build that is root', () => {
  const folders = useFolders()

  // promise: 22
  test('can neither mount nor unmount, nest, see or change what is not its own', async () => {
    const host = (): unknown[] => [hostname(), isFreebsd ? spawnSync('sysctl', ['-n', 'kern.securelevel'], { encoding: 'utf8' }).stdout : '']
    const before = host()
    await using other = await openSession({ name: 'neighbour' })
    const { stdout } = await build(armed({ user: 'root' }), attack('confined'))
    const outcome = answers(stdout)
    expect(Object.keys(outcome).length).toBeGreaterThan(10)
    expect(Object.entries(outcome).filter(([, answer]) => answer === 'ok')).toEqual([])
    expect(host()).toEqual(before)
    expect((await other.run(['echo', 'there'])).stdout).toBe('there')
  })

  // promise: 24
  test.skipIf(isFreebsd)('gets nothing by namespaces of its own, where it may have them', async () => {
    const file = path.join(folders.input, 'given.txt')
    for (const user of [undefined, 'root' as const]) {
      const spec = armed({ inputs: { src: folders.input }, allow: ['user-namespaces'], ...(user === undefined ? {} : { user }) })
      const { stdout } = await build(spec, attack('nested', '/inputs/src/given.txt', '/inputs/src'))
      expect(Object.entries(answers(stdout)).filter(([, answer]) => answer === 'ok')).toEqual([])
    }
    expect(readFileSync(file, 'utf8')).toBe('given\n')
  })
})
