import { expect, test } from 'vitest'

import { build } from '../../src/index.ts'
import { describeSession, isFreebsd } from './kernel.ts'

describeSession('/dev of a build', () => {
  // promise: 1, 48
  test('holds exactly the listed nodes', async () => {
    const { stdout } = await build({}, ['ls', '-A', '/dev'])
    const common = ['fd', 'null', 'random', 'stderr', 'stdin', 'stdout', 'urandom', 'zero']
    // FreeBSD has a folder of terminals as long as there is one, be it one that nobody sees here, and ptmx where it has pty(4).
    const names = stdout.trimEnd().split('\n').filter((name) => !isFreebsd || (name !== 'pts' && name !== 'ptmx'))
    expect(names.sort()).toEqual(isFreebsd ? ['ctty', ...common] : [...common, 'full', 'ptmx', 'pts', 'shm', 'tty'].sort())
  })

  test('has in /dev/fd the three standard descriptors and nothing of the caller', async () => {
    const { stdout } = await build({}, ['sh', '-c', 'echo /dev/fd/*'])
    const names = stdout.trimEnd().split(' ')
    expect(names.slice(0, 3)).toEqual(['/dev/fd/0', '/dev/fd/1', '/dev/fd/2'])
    // Linux shows the descriptor by which the shell is reading the directory.
    expect(names.length).toBeLessThanOrEqual(isFreebsd ? 3 : 4)
  })

  test('lets a shell put a command in the background, whose stdin is /dev/null', async () => {
    expect((await build({}, ['sh', '-c', 'cat & wait; echo done'])).stdout).toBe('done')
  })

  test('lets a build write to its own stdout by name', async () => {
    expect((await build({}, ['sh', '-c', 'echo named > /dev/stdout'])).stdout).toBe('named')
  })
})
