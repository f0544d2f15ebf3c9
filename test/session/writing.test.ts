import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

describeSession('what a build can change', () => {
  const folders = useFolders()

  // As root inside, and in a folder anybody may write to: what refuses is the mount, not the permissions.
  const attempts = [
    ['a write to an input', 'echo x > /inputs/src/given.txt'],
    ['a new file in an input', 'touch /inputs/src/new'],
    ['a rename in an input', 'mv /inputs/src/given.txt /inputs/src/other.txt'],
    ['a change of mode in an input', 'chmod 777 /inputs/src/given.txt'],
    ['a removal in an input', 'rm -f /inputs/src/given.txt'],
    ['a new file in the toolchain', 'touch /usr/bin/new'],
    ['a rename in the toolchain', 'mv /usr/bin/env /usr/bin/other'],
    ['a change of mode in the toolchain', 'chmod 777 /usr/bin/env'],
    ['a new directory in the root', 'mkdir /new'],
    ['a new directory between the mounts', 'mkdir /inputs/new'],
  ] as const
  // promise: 14
  test.each(attempts)('%s is refused by a read-only mount', async (_, script) => {
    chmodSync(folders.input, 0o777)
    const result = await build({ inputs: { src: folders.input }, user: 'root' }, ['sh', '-c', script], { reject: false })
    expect(result.stderr).toContain('Read-only file system')
    expect(result.exitCode).not.toBe(0)
    expect(readFileSync(path.join(folders.input, 'given.txt'), 'utf8')).toBe('given\n')
  })

  test('the output and /tmp are writable by the build user, and the output arrives on the host', async () => {
    await build({ output: folders.output }, ['sh', '-c', 'echo made > /tmp/made && cp /tmp/made /output/made'])
    expect(readFileSync(path.join(folders.output, 'made'), 'utf8')).toBe('made\n')
  })

  // cp(1) of Linux passes over EPERM, and over no other error of chown(2) on a mount that maps owners, which FreeBSD does not have.
  test.skipIf(isFreebsd)('what is copied with its owner, as far as that can be, becomes the build’s, and an owner is given to no file', async () => {
    const script = 'cp -a /inputs/src /output/all && cp -p /bin/sh /output/sh && ! chown 0 /output/sh && ! chown 65534 /output/sh && ! chgrp 0 /output/sh'
    const { stderr } = await build({ inputs: { src: folders.input }, output: folders.output }, ['sh', '-c', script])
    // An id that no map has is no valid one (chown(2), EINVAL).
    const refusal = process.geteuid?.() === 0 ? /^$|Operation not permitted$/ : /^$|Operation not permitted$|Invalid argument$/
    expect(stderr.split('\n').filter((line) => !refusal.test(line))).toEqual([])
    expect(readFileSync(path.join(folders.output, 'all/given.txt'), 'utf8')).toBe('given\n')
    expect(statSync(path.join(folders.output, 'sh')).uid).toBe(process.geteuid?.())
  })

  // promise: 16
  test('the output folder is given back with the owner and the mode it had', async () => {
    chmodSync(folders.output, 0o750)
    const before = statSync(folders.output)
    await build({ output: folders.output }, ['sh', '-c', 'chmod 777 /output; touch /output/made'])
    const after = statSync(folders.output)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
  })

  // promise: 16
  test.each([undefined, 'root'] as const)('a folder may have the set-group-ID bit, and has it no more when the output comes back (user %s)', async (user) => {
    // On FreeBSD a folder has the group of the one around it, and a user who is not of that group may not set the bit (chmod(2)).
    const inTmp = 'mkdir /tmp/made && chgrp "$(id -g)" /tmp/made && chmod 2755 /tmp/made && [ -g /tmp/made ]'
    const script = `cd /output; mkdir made; chmod g+s made; mkdir made/in; [ -g made ] && ${inTmp}`
    await build({ output: folders.output, ...(user && { user }) }, ['sh', '-c', script])
    for (const name of ['made', 'made/in']) expect(statSync(path.join(folders.output, name)).mode & 0o7000).toBe(0)
  })

  // What a build of FreeBSD's root changes cannot be told from what it made.
  test.skipIf(process.geteuid?.() !== 0).each(isFreebsd ? ([undefined] as const) : ([undefined, 'root'] as const))('a file and a folder of another group keep it and their mode, and what is made has the group of the output (user %s)', async (user) => {
    const other = 4321
    const [file, folder] = ['kept', 'shared'].map((name) => path.join(folders.output, name)) as [string, string]
    writeFileSync(file, 'kept\n', { mode: 0o640 })
    mkdirSync(folder)
    for (const one of [file, folder]) chownSync(one, 0, other)
    chmodSync(folder, 0o2775)
    await build({ output: folders.output, ...(user && { user }) }, ['sh', '-c', 'echo more >> /output/kept; touch /output/made'])
    const told = (name: string): readonly number[] => {
      const { uid, gid, mode } = statSync(name)
      return [uid, gid, mode & 0o7777]
    }
    expect(readFileSync(file, 'utf8')).toBe('kept\nmore\n')
    expect([told(file), told(folder)]).toEqual([[0, other, 0o640], [0, other, 0o2775]])
    expect(told(path.join(folders.output, 'made')).slice(0, 2)).toEqual([0, statSync(folders.output).gid])
  })

  test('two more outputs by name and by target are writable too', async () => {
    const outputs = { logs: folders.output, '/var/cache/tool': folders.input }
    await build({ outputs }, ['sh', '-c', 'touch /outputs/logs/a /var/cache/tool/b'])
    expect(statSync(path.join(folders.output, 'a')).isFile()).toBe(true)
    expect(statSync(path.join(folders.input, 'b')).isFile()).toBe(true)
  })

  test('/tmp ends where limits.tmpSize says', async () => {
    const fill = ['sh', '-c', 'dd if=/dev/zero of=/tmp/full bs=65536 count=64']
    const { exitCode, stderr } = await build({ limits: { tmpSize: 1024 * 1024 } }, fill, { reject: false })
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('No space left on device')
  })
})
