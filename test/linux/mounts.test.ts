import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { neighboursIn, useFolders } from '../session/folders.ts'
import { describeLinux, isRoot } from './host.ts'
import { mountMany } from './many-mounts.ts'

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
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    mounted.push(place)
    writeFileSync(path.join(place, 'seen'), 'below\n')
  }

  test('are writable in the output, /tmp and /dev/shm only, and nowhere set-uid', async () => {
    await using session = await openSession({ inputs: { src: folders.input }, output: folders.output })
    const { mounts, root } = await session.record()
    const inside = mounts.map(({ on, flags }) => ({ on: on.slice(root.length) || '/', flags }))
    expect(inside.map(({ on }) => on)).toEqual(expect.arrayContaining(['/', '/inputs/src', '/output', '/usr', '/proc', '/tmp']))
    expect(inside.filter(({ flags }) => !flags.includes('nosuid'))).toEqual([])
    const writable = inside.filter(({ flags }) => flags.includes('rw')).map(({ on }) => on)
    expect(writable.sort()).toEqual(['/dev/shm', '/output', '/proc', '/tmp'])
    const withDevices = inside.filter(({ flags }) => !flags.includes('nodev')).map(({ on }) => on)
    expect(withDevices.filter((on) => !on.startsWith('/dev'))).toEqual([])
  })

  test('say where on the host they are from', async () => {
    await using session = await openSession({ inputs: { src: folders.input }, output: folders.output })
    const { mounts, root } = await session.record()
    const from = new Map(mounts.map((mount) => [mount.on.slice(root.length), mount.from]))
    expect(from.get('/inputs/src')).toBe(folders.input)
    expect(from.get('/output')).toBe(folders.output)
  })

  describe.runIf(isRoot).each([0, 5])('where the host has mounted something below a declared folder, with %i others beside it', (count) => {
    beforeEach(() => {
      if (count > 0) onTestFinished(mountMany())
    })

    test('an input shows it, read-only', async () => {
      mountBelow(folders.input)
      await using session = await openSession({ inputs: { ...neighboursIn(folders.top, count), src: folders.input }, user: 'root' })
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
      const { stdout } = await build({ inputs: { ...neighboursIn(folders.top, count), on } }, ['cat', '/inputs/on/seen'])
      expect(stdout).toBe('below')
    })

    test('an output does not show it, as it was not declared', async () => {
      mountBelow(folders.output)
      const { stdout } = await build({ inputs: neighboursIn(folders.top, count), output: folders.output }, ['ls', '-A', '/output/below'])
      expect(stdout).toBe('')
    })

    test('and nothing that is mounted later arrives inside', async () => {
      // Shared, as on many hosts everything is: then it would (mount_namespaces(7)).
      for (const how of ['--bind', '--make-shared']) {
        expect(spawnSync('mount', how === '--bind' ? [how, folders.input, folders.input] : [how, folders.input]).status).toBe(0)
      }
      mounted.push(folders.input)
      await using session = await openSession({ inputs: { ...neighboursIn(folders.top, count), src: folders.input } })
      mountBelow(folders.input)
      expect((await session.run(['ls', '-A', '/inputs/src/below'])).stdout).toBe('')
    })
  })

  test.runIf(isRoot)('of what lies beside inputs nothing is held once the session is open', async () => {
    onTestFinished(mountMany())
    await using session = await openSession({ inputs: neighboursIn(folders.top, 5) })
    const { root } = await session.record()
    // Its control.
    await expect.poll(() => readdirSync(path.join(root, '..', 'fd'))).toEqual(['0', '1'])
  })

  test('show nothing of the host but what a compiler needs', async () => {
    const { stdout } = await build({}, ['ls', '-d', '/home', '/root', '/etc/shadow', '/etc/passwd', '/var', '/sys', '/run', '/boot'], { reject: false })
    expect(stdout).toBe('')
  })
})
