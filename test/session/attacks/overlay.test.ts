import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'

import { openSession, preflight, type Allowance, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { answers, armed, attack, describeAttack, isRoot, onHost, said } from './attack.ts'

const users: readonly Spec['user'][] = isRoot ? [undefined, 'root'] : [undefined]
const areOverlays = !isFreebsd && preflight().limitations.every(({ check }) => check !== 'overlay')

describeAttack('a build in an overlay', () => {
  const folders = useFolders()
  let source = ''
  beforeEach(() => {
    source = path.join(folders.top, 'project')
    mkdirSync(path.join(source, 'folder'), { recursive: true })
    mkdirSync(path.join(source, 'other'))
    for (const [name, text] of [['given', 'given\n'], ['meta', ''], ['folder/own', 'own\n'], ['other/secret', 'secret\n'], ['other/own', 'another\n']] as const) writeFileSync(path.join(source, name), text)
  })
  const spec = (user: Spec['user'], allow: Allowance[] = []): Spec => armed({ inputs: { '/w': { path: source, overlay: true } }, allow, ...(user === undefined ? {} : { user }) })

  describe.runIf(areOverlays)('on a host that has them', () => {
    // promise: 50
    test.each(users)('as %s neither marks its layers, nor gets at them, nor past them to the source', async (user) => {
      const before = readdirSync(source, { recursive: true }).length
      await using session = await openSession(spec(user))
      const { 'mark read': read, ...told } = answers((await session.run(attack('overlaid', 'try', '/w'))).stdout)
      expect(['EOPNOTSUPP', 'No data available']).toContain(read)
      expect(told).toEqual({
        whiteout: 'EPERM',
        'whiteout by renaming': 'EINVAL',
        device: 'EPERM',
        'mark of the system': 'EOPNOTSUPP',
        mark: 'EOPNOTSUPP',
        'mark of emptiness': 'EOPNOTSUPP',
        handle: 'EPERM',
        unmount: 'EPERM',
        'unmount of /tmp': 'EPERM',
        remount: 'EPERM',
        link: 'Invalid cross-device link',
        upwards: 'root',
        'upwards from /tmp': 'root',
        namespaces: 'EPERM',
      })
      expect(readdirSync(source, { recursive: true })).toHaveLength(before)
    })

    // promise: 50
    test.each(users)('as %s does not with all that a spec can allow either', async (user) => {
      await using session = await openSession(spec(user, ['user-namespaces', 'attributes', 'set-id']))
      const told = answers((await session.run(attack('overlaid', 'try', '/w'))).stdout)
      expect(told).toMatchObject({ whiteout: 'EPERM', 'whiteout by renaming': 'EINVAL', handle: 'EPERM', upwards: 'root', 'upwards from /tmp': 'root' })
      expect(told['mark of the system']).not.toBe('ok')
      expect(told['mark read']).not.toBe('ok')
      // Mounts that came from outside are had as a whole (mount_namespaces(7)).
      if (!('namespaces' in told)) expect(told).toMatchObject({ 'unmount in a namespace': 'EINVAL', 'unmount of /tmp in a namespace': 'EINVAL', 'upwards from /tmp in a namespace': 'root' })
      // What it may mark in its own name means nothing to the overlay.
      const { stdout } = await session.run(['sh', '-c', 'ls /w/folder; cat /w/folder/own; mkdir /w/folder/new; cat /w/folder/own'])
      expect(stdout).toBe('own\nown\nown')
    })

    // promise: 50
    test.each(users)('as %s is led nowhere by marks that were planted in the source', async (user) => {
      const [program = '', ...words] = onHost('overlaid', 'plant', source)
      const planted = spawnSync(program, words, { encoding: 'utf8' })
      expect(Number(planted.stdout)).toBeGreaterThan(0)
      await using session = await openSession(spec(user))
      const script = 'cat folder/own; ls folder; cat meta; echo a >> meta; cat meta; touch folder/new; cat folder/own; mv folder renamed 2>/dev/null || echo whole; cat folder/own renamed/own 2>/dev/null'
      const { stdout } = await session.run(['sh', '-c', script], { cwd: '/w', reject: false })
      expect(stdout).not.toContain('secret')
      expect(stdout).not.toContain('another')
      expect(stdout.split('\n').slice(0, 2)).toEqual(['own', 'own'])
    })

    // promise: 50
    test.each(users)('as %s removes nothing from the source by marks, its own or planted ones', async (user) => {
      const [program = '', ...words] = onHost('overlaid', 'plant', source)
      expect(Number(spawnSync(program, words, { encoding: 'utf8' }).stdout)).toBeGreaterThan(0)
      await using session = await openSession(spec(user, ['attributes']))
      await session.run(attack('overlaid', 'try', '/w'))
      await session.run(['sh', '-c', 'cat /w/folder/own; echo > /w/folder/new'])
      expect(await session.changes()).toMatchObject([{ added: 1, changed: 0, removed: 0, isWhole: true }])
      expect(await session.applyChanges()).toMatchObject([{ written: 1, removed: 0 }])
      expect(readdirSync(path.join(source, 'folder')).toSorted()).toEqual(['new', 'own'])
    })

    test('shuts nobody of the host out by a lock, and writes to no pipe that lies there', async () => {
      expect(spawnSync('mkfifo', [path.join(source, 'fifo')]).status).toBe(0)
      await using session = await openSession(spec(undefined))
      const child = session.spawn(['sh', '-c', 'exec 9<given; flock -x 9; echo through > fifo & echo locked; exec sleep 60'], { cwd: '/w' })
      await said(child, 'locked')
      const host = spawnSync('sh', ['-c', 'exec 9<given; flock -xn 9 && echo free; timeout 0.3 cat fifo; echo over'], { cwd: source, encoding: 'utf8' })
      expect(host.stdout).toBe('free\nover\n')
      await session.killAll()
    })

    test('leaves the source as it is, whatever it makes of it', async () => {
      const before = statSync(path.join(source, 'given'), { bigint: true })
      await using session = await openSession(spec(undefined))
      await session.run(['sh', '-c', 'chmod 000 given; chmod 777 .; touch given; rm -rf other; echo x > other; ln -sf /etc/passwd folder/own'], { cwd: '/w', reject: false })
      expect(statSync(path.join(source, 'given'), { bigint: true })).toMatchObject({ mode: before.mode, ctimeNs: before.ctimeNs })
      expect(readFileSync(path.join(source, 'folder/own'), 'utf8')).toBe('own\n')
    })
  })
})
