import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { uidOutside } from '../outside.ts'
import { armed, attack, describeAttack, isRoot } from './attack.ts'

describeAttack('what a build plants in its output', () => {
  const folders = useFolders()

  /** Everything that a close that followed it could have changed. */
  const stateOf = (file: string): unknown[] => {
    const { uid, gid, mode, size, mtimeMs, ctimeMs, atimeMs } = lstatSync(file)
    return [uid, gid, mode, size, mtimeMs, ctimeMs, atimeMs]
  }

  // promise: 16
  test('a symbolic link to a file or a folder of the host: close neither changes nor reads what it leads to', async () => {
    const file = path.join(folders.top, 'secret')
    const folder = path.join(folders.top, 'folder')
    writeFileSync(file, 'secret\n')
    mkdirSync(folder)
    const before = [stateOf(file), stateOf(folder)]
    const script = `chmod 777 /output; ln -s ${file} /output/file; ln -s ${folder} /output/folder; ln -s .. /output/up; ln -s / /output/root`
    await build({ output: folders.output }, ['sh', '-c', script])
    expect([stateOf(file), stateOf(folder)]).toEqual(before)
    expect(lstatSync(path.join(folders.output, 'folder')).isSymbolicLink()).toBe(true)
  })

  // promise: 16
  test('a fifo: close does not wait for a writer', async () => {
    await build({ output: folders.output }, ['sh', '-c', 'mkfifo /output/fifo; chmod 700 /output'])
    expect(lstatSync(path.join(folders.output, 'fifo')).isFIFO()).toBe(true)
    expect(statSync(folders.output).uid).toBe(process.geteuid?.())
  })

  // promise: 16
  test('a device is refused, to root too', async () => {
    const { stdout } = await build(armed({ output: folders.output, user: 'root' }), attack('device', '/output/device'))
    expect(stdout).toBe('EPERM')
  })

  // promise: 21
  test.runIf(isRoot)('a set-uid program is the build user’s and nobody else’s', async () => {
    await using planting = await openSession(armed({ output: folders.output, ownership: 'build', allow: ['set-id'] }))
    await planting.run(['sh', '-c', 'cp /inputs/probe/probe /output/program && chmod 6755 /output/program'])
    const { uid, mode } = statSync(path.join(folders.output, 'program'))
    const { user, ...record } = await planting.record()
    expect(uid).toBe(user?.uid ?? uidOutside(record, 35001))
    await planting.close()
    // On the host it gives whoever runs it the build user's rights, which are none; inside it gives nothing.
    expect(mode & 0o4000).toBe(0o4000)
    await using session = await openSession({ inputs: { out: folders.output }, user: { uid: 4001, gid: 4002 } })
    expect((await session.run(['/inputs/out/program', 'ids'])).stdout).toMatch(/^4001 4001 4002 4002 /)
  })

  // Who owns a directory may set them there, and while it has them not even root changes its owner (chflags(2)).
  const users = [undefined, 'root'] as const
  // promise: 16
  test.runIf(isFreebsd).each(users)('flags that let nobody change it (user %s): close gives back what was lent, without them', async (user) => {
    const before = statSync(folders.output)
    const script = 'chmod 777 /output; touch /output/made; chflags uchg,uappnd,uunlnk /output'
    await build({ output: folders.output, ...(user === undefined ? {} : { user }) }, ['sh', '-c', script])
    const after = statSync(folders.output)
    expect([after.ino, after.uid, after.gid, after.mode]).toEqual([before.ino, before.uid, before.gid, before.mode])
    expect(spawnSync('stat', ['-f', '%Sf', folders.output], { encoding: 'utf8' }).stdout).toMatch(/^-|^\s*$|^uarch\s*$/)
    await build({ output: folders.output }, ['touch', '/output/again'])
  })

  // promise: 16
  test('a folder in its own place: it cannot be moved or replaced, so that close gives back what was lent', async () => {
    const before = statSync(folders.output)
    const script = 'mv /output /tmp/output; rmdir /output; ln -s /tmp /output/self; touch /output/made; true'
    await build({ output: folders.output, user: 'root' }, ['sh', '-c', script])
    const after = statSync(folders.output)
    expect([after.ino, after.uid, after.gid, after.mode]).toEqual([before.ino, before.uid, before.gid, before.mode])
    expect(spawnSync('ls', ['-A', folders.output], { encoding: 'utf8' }).stdout).toBe('made\nself\n')
  })
})
