import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { openSession, preflight, recover, type SessionRecord } from '../../src/index.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { canBeMapped, uidOutside, waysToLend } from '../session/outside.ts'
import { describeLinux, isRoot, namespaceOf } from './host.ts'

const full = 65536
const host = fileURLToPath(new URL('id-host.mjs', import.meta.url))
const leases = '/run/buildjail-leases'

const describeRoots = isRoot ? describeLinux : describe.skip

describeRoots('the ids of root’s sessions', () => {
  const folders = useFolders()
  const programs = usePrograms()
  const rangesOf = ({ ids }: SessionRecord): number[] => [...new Set([...(ids?.users ?? []), ...(ids?.groups ?? [])].map(({ outside }) => outside))]

  test('are the same inside and others outside, of a user namespace of its own', async () => {
    await using one = await openSession({})
    await using other = await openSession({})
    for (const session of [one, other]) {
      expect((await session.run(['sh', '-c', 'id -u; id -g'])).stdout).toBe('35001\n35001')
      const { ids, namespaces, process: command } = await session.record()
      expect(ids?.users).toEqual([{ inside: 0, outside: expect.any(Number), count: full }])
      expect(ids?.groups).toEqual(ids?.users)
      expect(namespaces?.['user']).not.toBe(namespaceOf('self', 'user'))
      expect(command).toMatchObject({ uid: 35001, realUid: 35001, savedUid: 35001, gid: 35001 })
      // Neither systemd-nspawn(1) nor sssd-ad(5) gives these to anybody.
      expect(Number(ids?.users[0]?.outside)).toBeGreaterThanOrEqual(2_000_200_000)
      expect(Number(ids?.users[0]?.outside) + full).toBeLessThanOrEqual(0x7ffe_0000)
    }
    expect(rangesOf(await one.record())).not.toEqual(rangesOf(await other.record()))
  })

  test('are leased by nobody any more when a program has ended that kept some for later sessions', async () => {
    // The place is there, and what others left in it is gone.
    await (await openSession({})).close()
    await recover()
    const before = readdirSync(leases)
    const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
    const program = `const { build } = await import(${JSON.stringify(entry)}); await Promise.all([1, 2, 3].map(() => build({}, ['true'])))`
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(readdirSync(leases).filter((name) => !before.includes(name))).toEqual([])
  })

  // promise: 22
  test.each(waysToLend)('are no other live session’s: 32 at once, and another program’s (outputs %s)', async (_, more) => {
    const outputs = Array.from({ length: 32 }, (__, index) => path.join(folders.top, `out${index}`))
    for (const output of outputs) mkdirSync(output)
    const program = await programs.start(folders.output)
    const sessions = await Promise.all(outputs.map((output) => openSession({ ...more, output })))
    try {
      const records = [program.record]
      for (const session of sessions) records.push(await session.record())
      const firsts = records.flatMap(rangesOf)
      expect(firsts).toHaveLength(33)
      expect(new Set(firsts.map((first) => Math.floor(first / full))).size).toBe(33)
      expect(firsts.filter((first) => first % full !== 0)).toEqual([])
      const isMapped = more.allow === undefined && canBeMapped(folders.top)
      expect(new Set(outputs.map((output) => statSync(output).uid)).size).toBe(isMapped ? 1 : 32)
    } finally {
      await Promise.all(sessions.map((session) => session.close()))
    }
    expect(outputs.filter((output) => statSync(output).uid !== 0)).toEqual([])
  })

  // promise: 22
  test('come back when the host program is killed, and not before its output', async () => {
    const program = await programs.start(folders.output)
    const lease = `ids-${Number(rangesOf(program.record)[0]) / full}`
    expect(readdirSync(leases)).toContain(lease)
    await program.killUnwatched()
    expect(readdirSync(leases)).toContain(lease)
    expect((await recover()).leftAlone).toEqual([])
    expect(readdirSync(leases)).not.toContain(lease)
    expect(statSync(folders.output).uid).toBe(0)
  })

  test('leave the host program as it was: it may be dumped and traced by its user', async () => {
    const script = `import { openSession } from ${JSON.stringify(path.resolve('dist/index.js'))}
      await (await openSession({})).close()
      console.log('closed'); process.stdin.resume()`
    // A process is its user's own in /proc as long as it may be dumped (proc(5)), and root's otherwise.
    const setgid = ['setpriv', '--regid', '4000', '--clear-groups', process.execPath, '--input-type=module', '-e', script]
    const program = spawn(setgid[0] ?? '', setgid.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(program.stdout, 'data')
    const { gid } = statSync(`/proc/${program.pid}/environ`)
    program.stdin.end()
    await once(program, 'exit')
    expect(gid).toBe(4000)
  })

  test('reach as far as the spec: a user and groups with great numbers are mapped too', async () => {
    const user = { uid: 1_000_000, gid: 2_000_000, groups: [3_000_000, 70_000] }
    await using session = await openSession({ output: folders.output, user })
    expect((await session.run(['sh', '-c', 'id -u; id -g; id -G; touch /output/made'])).stdout).toBe('1000000\n2000000\n2000000 70000 3000000')
    const record = await session.record()
    expect(record.process).toMatchObject({ uid: 1_000_000, gid: 2_000_000 })
    expect(statSync(path.join(folders.output, 'made')).uid).toBe(uidOutside(record, 1_000_000))
    expect(Math.floor(uidOutside(record, 1_000_000) / full)).toBe(Math.floor(uidOutside(record, 0) / full))
  })

  test('are out of those that the spec names', async () => {
    await using session = await openSession({ user: { leased: { first: 20 * full, count: 2 * full } } })
    expect([20 * full, 21 * full]).toContain(rangesOf(await session.record())[0])
    await using few = await openSession({ user: { leased: { first: 1_000_000, count: 1000 } } })
    const { ids } = await few.record()
    expect(ids?.users.map(({ count }) => count)).toEqual([31, 1])
    expect((await few.run(['id', '-u'])).stdout).toBe('35001')
  })

  describe('with ids that /etc/subuid gives to others', () => {
    const run = (subuid: string, spec: object): string => {
      const file = path.join(folders.top, 'subuid')
      writeFileSync(file, subuid)
      return said('unshare', ['--mount', 'sh', '-c', `mount --bind ${file} /etc/subuid && exec "$@"`, 'sh', process.execPath, host, JSON.stringify(spec)])
    }

    // promise: 22
    test('are others, where nothing is named', () => {
      const [first = 0] = rangesOf(JSON.parse(run('lxd:2000000000:146000000\n', {})) as SessionRecord)
      expect(first).toBeGreaterThanOrEqual(2_146_000_000)
    })

    // promise: 22
    test('are refused where those are named, in one sentence', () => {
      const refusal = run('alice:1310720:65536\n', { user: { leased: { first: 1_300_000, count: 100_000 } } })
      expect(refusal).toMatch(/^EINVAL ids .*\/etc\/subuid.*1310720-1376255 are 'alice'/)
    })

    test('are those all the same where the file gives them to buildjail', () => {
      const record = JSON.parse(run('buildjail:1310720:65536\n', { user: { leased: { first: 1_310_720, count: full } } })) as SessionRecord
      expect(rangesOf(record)).toEqual([1_310_720])
    })
  })

  describe('where the host program is root of a container', () => {
    /** A program in a user namespace with those ids, each line `inside outside count`. */
    const inside = async (map: string, spec: object, before = 'true'): Promise<string> => {
      const holder = spawn('unshare', ['--user', 'cat'], { stdio: ['pipe', 'inherit', 'inherit'] })
      const isApart = (): boolean => ![undefined, namespaceOf('self', 'user')].includes(namespaceOf(String(holder.pid), 'user'))
      await expect.poll(isApart).toBe(true)
      for (const kind of ['uid', 'gid']) writeFileSync(`/proc/${holder.pid}/${kind}_map`, map)
      const entered = ['--user', '--target', String(holder.pid), '--setuid', '0', '--setgid', '0', 'unshare', '--mount', 'sh', '-c', `${before}; exec "$@"`, 'sh']
      const output = said('nsenter', [...entered, process.execPath, host, JSON.stringify(spec)])
      holder.stdin.end()
      return output
    }
    // Whose state is not root's of the host.
    const spec = (more: object = {}): object => ({ ...more })
    const prepared = 'mount -t tmpfs tmpfs /run'

    test('with 65,536 ids: few for each session, its user and root among them', async () => {
      const record = JSON.parse(await inside('0 700000000 65536', spec(), prepared)) as SessionRecord & { limitations: string[]; said: string }
      expect(record.ids?.users.map(({ count }) => count)).toEqual([31, 1])
      expect(record.process).toMatchObject({ uid: 35001, gid: 35001 })
      expect(record.limitations).toEqual(['ids', 'limits', 'leases'])
      expect(JSON.parse(await inside('0 700000000 65536', spec({ user: 'root' }), prepared))).toMatchObject({ process: { uid: 0, gid: 0 } })
    })

    test('with a thousand million ids: a range of those above its users', async () => {
      const record = JSON.parse(await inside('0 700000000 1000000000', spec(), prepared)) as SessionRecord
      expect(record.ids?.users).toEqual([{ inside: 0, outside: expect.any(Number), count: full }])
      expect(Number(record.ids?.users[0]?.outside)).toBeGreaterThanOrEqual(600_000_000)
    })

    test('with one id: that one, as for an ordinary user', async () => {
      for (const user of [undefined, 'root']) {
        const record = JSON.parse(await inside('0 700000000 1', spec(user === undefined ? {} : { user }), prepared)) as SessionRecord
        expect(record.ids?.users).toEqual([{ inside: user === 'root' ? 0 : 35001, outside: 0, count: 1 }])
      }
    })

    // promise: 22
    test('that may have no user namespace: sessions have none and say so, and none is root inside', async () => {
      const none = `${prepared}; echo 0 > /proc/sys/user/max_user_namespaces`
      const record = JSON.parse(await inside('0 700000000 65536', spec(), none)) as SessionRecord & { limitations: string[] }
      expect(record.ids?.users).toEqual([{ inside: 0, outside: 0, count: 65536 }])
      expect(record.process).toMatchObject({ uid: 35001 })
      expect(record.limitations).toEqual(['user-namespaces', 'limits', 'leases'])
      expect(await inside('0 700000000 65536', spec({ user: 'root' }), none)).toMatch(/^ENOSPC user-namespace .*root inside only in a user namespace/)
    })
  })

  test('are a limitation of nothing here, for the doctor', () => {
    expect(preflight().limitations.filter(({ check }) => check === 'ids' || check === 'user-namespaces')).toEqual([])
  })
})

function said(file: string, args: string[]): string {
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  return stdout + stderr
}
