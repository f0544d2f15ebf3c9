import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { build, openSession, recover, type Session, type Spec } from '../../src/index.ts'
import { armed, attack, said } from '../session/attacks/attack.ts'
import { watchersOf } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const all = 32

const refused = (spec: Spec): Promise<unknown> =>
  openSession(spec).then(
    (session) => session.close(),
    (error: unknown) => error,
  )
const uidOf = async (session: Session): Promise<number> => (await session.record()).user?.uid ?? 0
const leases = (): string[] => readdirSync('/var/run/buildjail-leases').sort()

/** A host program with sessions, each with an output; it waits to be killed. Says the uids. */
const controller = `
  import(${JSON.stringify(entry)}).then(async ({ openSession }) => {
    const sessions = await Promise.all(process.env.OUTPUTS.split(':').map((output) => openSession({ output })))
    for (const session of sessions) session.spawn(['sleep', '1000'], { stdio: ['ignore', 'ignore', 'ignore'] })
    const records = await Promise.all(sessions.map((session) => session.record()))
    console.log(JSON.stringify(records.map(({ user }) => user.uid)))
    setInterval(() => {}, 1000)
  })`

describeFreebsd('the users of builds', () => {
  const folders = useFolders()
  const outputs = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => {
      const folder = path.join(folders.top, `out${index}`)
      mkdirSync(folder)
      return folder
    })

  // promise: 20
  test(`are each another of ${all} sessions at once, also when a program with half of them is killed, and all come back`, { timeout: 300_000 }, async () => {
    const before = await hostState()
    const made = outputs(all)
    const [ours, theirs] = [made.slice(0, all / 2), made.slice(all / 2)]
    const program = spawn(process.execPath, ['-e', controller], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, OUTPUTS: theirs.join(':') } })
    const [line] = (await once(createInterface(program.stdout), 'line')) as [string]
    const their = JSON.parse(line) as number[]
    const sessions = await Promise.all(ours.map((output) => openSession({ output })))
    const own = await Promise.all(sessions.map(uidOf))
    expect(new Set([...own, ...their]).size).toBe(all)
    expect(ours.map((output) => statSync(output).uid)).toEqual(own)
    expect(theirs.map((output) => statSync(output).uid)).toEqual(their)
    for (const watcher of watchersOf(program.pid ?? 0)) process.kill(watcher, 'SIGKILL')
    program.kill('SIGKILL')
    await once(program, 'exit')
    // While nothing of theirs is taken away, nobody gets their users.
    const more = await Promise.all(Array.from({ length: 4 }, () => openSession({})))
    const moreUids = await Promise.all(more.map(uidOf))
    expect(new Set([...own, ...moreUids]).size).toBe(all / 2 + 4)
    await recover()
    expect(theirs.map((output) => statSync(output).uid)).toEqual(theirs.map(() => 0))
    for (const uid of their) expect(leases()).not.toContain(`user-${uid}`)
    await Promise.all([...sessions, ...more].map((session) => session.close()))
    expect(ours.map((output) => statSync(output).uid)).toEqual(ours.map(() => 0))
    expect(leases()).toEqual([])
    expect((await hostState()).mounts).toEqual(before.mounts)
  })

  test('are told by record(), and are who commands are and whose the outputs are', async () => {
    await using session = await openSession({ output: folders.output, user: { gid: 41_500, leased: { first: 41_000, count: 8 } } })
    await session.run(['touch', '/output/made'])
    const { user, process: command } = await session.record()
    expect(user?.uid).toBeGreaterThanOrEqual(41_000)
    expect(user?.uid).toBeLessThan(41_008)
    expect(user).toMatchObject({ gid: 41_500, groups: [] })
    expect(command).toMatchObject({ uid: user?.uid, realUid: user?.uid, savedUid: user?.uid, gid: 41_500 })
    expect(statSync(path.join(folders.output, 'made')).uid).toBe(user?.uid)
  })

  test('that are all leased are an error that says who has them, and can be waited for', async () => {
    const range = { user: { leased: { first: 41_000, count: 1 } } }
    const first = await openSession(range)
    const error = await refused(range)
    expect(error).toMatchObject({ code: 'EBUSY', step: 'user-lease' })
    expect(String(error)).toContain(`none of the 1 build users from 41000 is free: 41000 session ${first.id}`)
    const waiting = openSession({ ...range, wait: 60_000 })
    await first.close()
    const second = await waiting
    expect(await uidOf(second)).toBe(41_000)
    await second.close()
  })

  // promise: 20
  test('that are named are shared with who names them too, and with nobody who leased one', async () => {
    const range = { user: { leased: { first: 41_000, count: 1 } } }
    const user = { uid: 41_000, gid: 41_000 }
    const leased = await openSession(range)
    expect(await refused({ user })).toMatchObject({ code: 'EBUSY', step: 'user-lease' })
    await leased.close()
    const [one, other] = await Promise.all([openSession({ user }), openSession({ user })])
    expect(await refused(range)).toMatchObject({ code: 'EBUSY', step: 'user-lease' })
    await one.close()
    expect(await refused(range)).toMatchObject({ code: 'EBUSY', step: 'user-lease' })
    await other.close()
    await build(range, ['true'])
    expect(leases()).toEqual([])
  })

  // promise: 20
  test('are not given out where a process of the host has that user', async () => {
    const range = { user: { leased: { first: 41_000, count: 2 } } }
    const stranger = spawn('sleep', ['1000'], { uid: 41_000, gid: 41_000, cwd: '/', stdio: 'ignore' })
    try {
      const session = await openSession(range)
      expect(await uidOf(session)).toBe(41_001)
      const error = await refused(range)
      expect(String(error)).toContain(`41000 is the user of pid ${stranger.pid} (sleep), which is none of a session's`)
      await session.close()
    } finally {
      stranger.kill('SIGKILL')
      await once(stranger, 'exit')
    }
  })

  // promise: 20
  test('are given out though a build that is root has processes with all of their numbers', async () => {
    const range = { user: { leased: { first: 41_000, count: 8 } } }
    await using greedy = await openSession(armed({ user: 'root' }))
    const command = greedy.spawn(attack('greedy', 'users', '41000', '8'))
    await said(command, 'users: 8')
    const running = spawnSync('ps', ['-axo', 'uid='], { encoding: 'utf8' }).stdout.trim().split(/\s+/)
    expect(running).toContain('41007')
    const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession(range)))
    expect(new Set(await Promise.all(sessions.map(uidOf))).size).toBe(8)
    // What is in one jail is neither seen nor signalled from another, with the same number too.
    for (const session of sessions) {
      await session.run(['sh', '-c', 'kill -9 -1 2>/dev/null || true'])
      await session.close()
    }
    expect(command.exitCode).toBeNull()
  })

  test('leave nothing behind that the next could find: no process and no shared memory of theirs', async () => {
    const session = await openSession({})
    const uid = await uidOf(session)
    session.spawn(['sh', '-c', 'sleep 1000 & sleep 1000'], { stdio: ['ignore', 'ignore', 'ignore'] })
    await session.run(['true'])
    await session.close()
    const { stdout } = spawnSync('ps', ['-axo', 'uid='], { encoding: 'utf8' })
    expect(stdout.trim().split(/\s+/)).not.toContain(String(uid))
  })
})
