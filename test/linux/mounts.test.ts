import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'

import { build, openSession, SessionPool, type Session } from '../../src/index.ts'
import { neighboursIn, useFolders } from '../session/folders.ts'
import { rejected } from '../session/rejected.ts'
import { describeLinux, isRoot } from './host.ts'

describeLinux('the mounts of a session', () => {
  const folders = useFolders()
  const mounted: string[] = []

  afterEach(() => {
    for (const place of mounted.splice(0).reverse()) spawnSync('umount', [place])
  })

  /** A tmpfs of the host, writable, below a folder that is declared. */
  const mountBelow = (parent: string): void => {
    const place = path.join(parent, 'below')
    mkdirSync(place)
    chmodSync(place, 0o755)
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    mounted.push(place)
    writeFileSync(path.join(place, 'seen'), 'below\n')
    chmodSync(path.join(place, 'seen'), 0o644)
  }

  test('are writable in the output, /tmp and /dev/shm only, and nowhere set-uid', async () => {
    await using session = await openSession({ inputs: { src: folders.input }, output: folders.output })
    const { mounts, root } = await session.record()
    const inside = mounts.map(({ on, flags }) => ({ on: on.slice(root.length) || '/', flags }))
    expect(inside.map(({ on }) => on)).toEqual(expect.arrayContaining(['/', '/inputs/src', '/output', '/usr', '/proc', '/tmp']))
    expect(inside.filter(({ flags }) => !flags.includes('nosuid'))).toEqual([])
    const writable = inside.filter(({ flags }) => flags.includes('rw')).map(({ on }) => on)
    // In /dev/pts are terminals, and nothing can be made.
    expect(writable.sort()).toEqual(['/dev/pts', '/dev/shm', '/output', '/proc', '/tmp'])
    const withDevices = inside.filter(({ flags }) => !flags.includes('nodev')).map(({ on }) => on)
    // Parts of /proc are covered by the session's own /dev/null.
    expect(withDevices.filter((on) => !/^\/dev|^\/proc\/./.test(on))).toEqual([])
  })

  test('say where on the host they are from', async () => {
    await using session = await openSession({ inputs: { src: folders.input }, output: folders.output })
    const { mounts, root } = await session.record()
    const from = new Map(mounts.map((mount) => [mount.on.slice(root.length), mount.from]))
    expect(from.get('/inputs/src')).toBe(folders.input)
    expect(from.get('/output')).toBe(folders.output)
  })

  describe.runIf(isRoot)('where the host has mounted something below a declared folder', () => {
    // promise: 14
    test('an input shows it, read-only', async () => {
      mountBelow(folders.input)
      await using session = await openSession({ inputs: { src: folders.input }, user: 'root' })
      expect((await session.run(['cat', '/inputs/src/below/seen'])).stdout).toBe('below')
      const result = await session.run(['touch', '/inputs/src/below/new'], { reject: false })
      expect(result.stderr).toContain('Read-only file system')
      const { mounts, root } = await session.record()
      const below = mounts.find(({ on }) => on === `${root}/inputs/src/below`)
      expect(below?.flags).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev']))
    })

    test('an input shows what is mounted on it', async () => {
      mountBelow(folders.top)
      const on = path.join(folders.top, 'below')
      const { stdout } = await build({ inputs: { on } }, ['cat', '/inputs/on/seen'])
      expect(stdout).toBe('below')
    })

    test('an output would not show it, as it was not declared, and is refused', async () => {
      mountBelow(folders.output)
      const at = path.join(folders.output, 'below')
      const error = await rejected(build({ output: folders.output }, ['ls', '-A', '/output/below']))
      expect(error).toMatchObject({ code: 'EOPNOTSUPP', step: 'nested-sources', path: folders.output, dest: at })
    })

    test('and nothing that is mounted later arrives inside', async () => {
      // Shared, as on many hosts everything is: then it would (mount_namespaces(7)).
      for (const how of ['--bind', '--make-shared']) {
        expect(spawnSync('mount', how === '--bind' ? [how, folders.input, folders.input] : [how, folders.input]).status).toBe(0)
      }
      mounted.push(folders.input)
      await using session = await openSession({ inputs: { src: folders.input } })
      mountBelow(folders.input)
      expect((await session.run(['ls', '-A', '/inputs/src/below'])).stdout).toBe('')
    })
  })

  // So many calls go to init in several messages (native/linux/init_calls).
  test.runIf(isRoot)('are those of hundreds of inputs too, and once the session is open init holds none of them', async () => {
    await using session = await openSession({ inputs: neighboursIn(folders.top, 300) })
    const { root } = await session.record()
    expect((await session.run(['sh', '-c', 'ls /inputs | wc -l; grep -c " /inputs/" /proc/self/mountinfo'])).stdout).toBe('300\n300')
    // Its control, the end of its children, and the lock of its session.
    await expect.poll(() => readdirSync(path.join(root, '..', 'fd')).length).toBe(3)
  })

  const users = [undefined, 'root'] as const
  // promise: 22
  test.runIf(isRoot).each(users)('show an input that is the caller’s alone to the build user as its own, and nothing else that is shut (user %s)', async (user) => {
    const own = path.join(folders.top, 'own')
    mkdirSync(path.join(own, 'below'), { recursive: true, mode: 0o700 })
    for (const file of [path.join(own, 'below', 'file'), path.join(folders.input, 'shut'), path.join(folders.top, 'one')]) writeFileSync(file, 'shown\n', { mode: 0o600 })
    const spec = { inputs: { own, src: folders.input, one: path.join(folders.top, 'one') }, ...(user !== undefined && { user }) }
    const script = 'cat /inputs/own/below/file /inputs/one; id -u; stat -c %u /inputs/own; cat /inputs/src/shut; chmod 777 /inputs/own; : > /inputs/own/made'
    const check = async (session: Session): Promise<void> => {
      const { stdout, stderr } = await session.run(['sh', '-c', script], { reject: false })
      const [one, other, id, owner, ...rest] = stdout.split('\n')
      expect([one, other, owner, rest]).toEqual(['shown', 'shown', id, []])
      expect(stderr.match(/Permission denied|Read-only file system/g)).toEqual(['Permission denied', 'Read-only file system', 'Read-only file system'])
    }
    await using session = await openSession(spec)
    await check(session)
    const { mounts } = await session.record()
    expect(mounts.filter(({ flags }) => flags.includes('idmapped')).map(({ on }) => path.basename(on))).toEqual(['one', 'own'])
    await using pool = await SessionPool.open(user === undefined ? {} : { user }, { size: 1 })
    await using added = await pool.acquire({ inputs: spec.inputs })
    await check(added)
    expect(statSync(own).uid).toBe(0)
  })

  test('show nothing of the host but what a compiler needs', async () => {
    const { stdout } = await build({}, ['ls', '-d', '/home', '/root', '/etc/shadow', '/etc/gshadow', '/var', '/sys', '/run', '/boot'], { reject: false })
    expect(stdout).toBe('')
  })
})
