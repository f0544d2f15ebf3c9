import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

describeSession('what a build can see', () => {
  const folders = useFolders()

  // promise: 1
  test('a file of the host outside the plan is invisible', async () => {
    const sentinel = path.join(folders.top, 'sentinel')
    writeFileSync(sentinel, 'host only')
    const { stderr, exitCode } = await build({ inputs: { src: folders.input } }, ['cat', sentinel], { reject: false })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('No such file or directory')
  })

  // promise: 1
  test('the root holds exactly the planned names', async () => {
    const spec = { inputs: { src: folders.input }, output: folders.output }
    const { stdout } = await build(spec, ['ls', '-A', '/'])
    const { mounts, links, directories } = planOf(spec)
    const planned = [...mounts.map(({ target }) => target), ...links.map((link) => link.path), ...directories]
    const names = new Set(planned.map((target) => target.split('/')[1] ?? ''))
    expect(stdout.trimEnd().split('\n').sort()).toEqual([...names].sort())
  })

  test('an input, a single file and a target of its own are where the plan says, with their content', async () => {
    const file = path.join(folders.input, 'given.txt')
    const inputs = { src: folders.input, one: file, '/opt/tool/data.txt': file }
    const { stdout } = await build({ inputs }, ['cat', '/inputs/src/given.txt', '/inputs/one', '/opt/tool/data.txt'])
    expect(stdout).toBe('given\ngiven\ngiven')
  })

  test.each([undefined, 'root'] as const)('the folders on the way to a place belong to root or to the build, as programs want it that keep secrets (user %s)', async (user) => {
    const spec = { inputs: { '/opt/tool/src': folders.input }, ...(user !== undefined && { user }) }
    const { stdout } = await build(spec, ['sh', '-c', 'id -u; ls -ldn / /tmp /opt /opt/tool'])
    const [own = '', ...lines] = stdout.split('\n')
    const owners = lines.map((line) => line.split(/\s+/)[2])
    expect(owners).toHaveLength(4)
    expect(owners.filter((owner) => owner !== '0' && owner !== own)).toEqual([])
  })

  test('a source named by a symbolic link shows what the link leads to', async () => {
    const link = path.join(folders.top, 'link')
    symlinkSync(folders.input, link)
    expect((await build({ inputs: { src: link } }, ['ls', '/inputs/src'])).stdout).toBe('given.txt')
  })

  test('nothing but the input is there without a toolchain', async () => {
    const error = await build({ toolchain: 'none', inputs: { src: folders.input } }, ['/bin/sh']).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'execve', step: 'execve', path: '/bin/sh' })
  })

  // promise: 9
  test('the environment is the declared one and the clean default, and nothing of the caller', async () => {
    process.env['BUILDJAIL_TEST_LEAK'] = 'leaked'
    try {
      const { stdout } = await build({ sourceDateEpoch: 86400, env: { CC: 'cc' } }, ['env'])
      const variables = stdout.trimEnd().split('\n').filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))
      const searchPath = variables.find((line) => line.startsWith('PATH=')) ?? ''
      expect(variables.sort()).toEqual(
        ['CC=cc', 'HOME=/tmp', existsSync('/usr/lib/locale/C.utf8') ? 'LC_ALL=C.UTF-8' : 'LC_ALL=C', 'SOURCE_DATE_EPOCH=86400', 'TMPDIR=/tmp', searchPath].sort(),
      )
    } finally {
      delete process.env['BUILDJAIL_TEST_LEAK']
    }
  })

  test('/tmp is private to the session and empty at its start', async () => {
    await using first = await openSession({})
    await using second = await openSession({})
    await first.run(['sh', '-c', 'echo mine > /tmp/mine'])
    expect((await first.run(['ls', '-A', '/tmp'])).stdout).toBe('mine')
    expect((await second.run(['ls', '-A', '/tmp'])).stdout).toBe('')
  })

})
