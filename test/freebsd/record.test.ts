import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('what the kernel says of a session', () => {
  const folders = useFolders()

  // promise: 22
  test('its jail has no network, no children, no view of other mounts and no permission but to leave root behind', async () => {
    await using session = await openSession({ name: 'recorded', hostname: 'builder' })
    const { jail = {}, root, id } = await session.record()
    expect(jail).toMatchObject({
      name: `bj-recorded-${id}`,
      path: root,
      'host.hostname': 'builder',
      ip4: 'disable',
      ip6: 'disable',
      persist: true,
      enforce_statfs: 2,
      'children.max': 0,
      sysvmsg: 'disable',
      sysvsem: 'disable',
      sysvshm: 'disable',
      dying: false,
      env: '',
    })
    expect(jail['meta']).toContain(`buildjail=${id}`)
    const allowed = Object.entries(jail).filter(([name, value]) => name.startsWith('allow.') && value !== false)
    expect(allowed).toEqual([['allow.suser', true]])
    expect(Object.keys(jail).filter((name) => name.startsWith('allow.')).length).toBeGreaterThan(15)
    expect(jail['devfs_ruleset']).toBeGreaterThan(0)
  })

  test('its jail has the network of the host when that was asked for', async () => {
    await using session = await openSession({ network: 'host' })
    expect((await session.record()).jail).toMatchObject({ ip4: 'inherit', ip6: 'inherit', 'allow.raw_sockets': false })
  })

  // promise: 14
  test('its mounts are those of the plan, read-only where they must be and nosuid', async () => {
    await using session = await openSession({ inputs: { src: folders.input }, output: folders.output })
    const { mounts, root } = await session.record()
    const seen = new Map(mounts.map((mount) => [mount.on.slice(root.length) || '/', mount]))
    const planned = session.plan.mounts.map(({ target }) => target)
    expect([...seen.keys()].sort()).toEqual(['/', ...planned].sort())
    for (const { target, kind, writable, source } of session.plan.mounts) {
      const mount = seen.get(target)
      expect(mount?.type).toBe({ bind: 'nullfs', file: 'nullfs', store: 'nullfs', overlay: undefined, copy: 'tmpfs', listed: undefined, tmpfs: 'tmpfs', dev: 'devfs', proc: 'procfs' }[kind])
      // The kernel has its flags, and statfs(2) shows none of them (devfs_statfs).
      if (kind === 'dev') continue
      expect(mount?.flags).toContain('nosuid')
      expect(mount?.flags.includes('ro')).toBe(!writable)
      if (source !== undefined) expect(mount?.from).toBe(source)
    }
    expect(seen.get('/')?.flags).toContain('ro')
  })

  test('its command runs as the build user, in the jail, and none of its three ids is another', async () => {
    await using session = await openSession({ user: { uid: 4001, gid: 4002, groups: [4003, 4004] } })
    await session.run(['true'])
    const { process: credentials, jail = {} } = await session.record()
    expect(credentials).toMatchObject({
      uid: 4001,
      realUid: 4001,
      savedUid: 4001,
      gid: 4002,
      realGid: 4002,
      savedGid: 4002,
      groups: [4003, 4004],
      jid: jail['jid'],
    })
  })
})
