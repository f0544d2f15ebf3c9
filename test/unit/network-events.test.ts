import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { beforeEach, describe, expect, it, vi } from 'vitest'

import { EventLines } from '../../src/cli/event-lines.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { NativeNetworkEvent } from '../../src/native/binding.ts'
import { Recorder } from '../../src/recording/recorder.ts'
import { SeenNames } from '../../src/recording/seen-names.ts'
import type { Result } from '../../src/command/result.ts'
import { build } from '../../src/session/build.ts'
import { SessionPool } from '../../src/session/pool.ts'
import { openSession } from '../../src/session/session.ts'
import { planOf } from '../../src/spec/plan.ts'
import { FakeAddon } from './fake-addon.ts'
import { fakePlan } from './fake-plan.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())

const spec = { toolchain: 'none', network: { allow: ['a.example:443', '*.b.example:80'] } } as const
const plan = planOf(spec, { platform: 'linux' })

const connection: NativeNetworkEvent = { kind: 'connection', name: 'a.example', port: 443, address: '198.51.100.7', sent: 5, received: 70, durationMs: 1.5, outcome: 'closed' }
const unresolved: NativeNetworkEvent = { kind: 'connection', name: 'x.b.example', port: 80, outcome: 'unresolved' }
const refused: NativeNetworkEvent = { kind: 'refused', name: 'telemetry.example.com', port: 0, outcome: 'name', count: 3 }

describe.skipIf(process.platform === 'freebsd')('a session with a network of names', () => {
  it('tells its connections and what it was refused, each with all of its members, and on the channels', async () => {
    const session = await openSession(plan)
    const heard: unknown[] = []
    const onChannel: unknown[] = []
    const hear = (event: unknown): void => void onChannel.push(event)
    for (const name of ['connection', 'refused'] as const) {
      session.on(name, (event: unknown) => heard.push(event))
      subscribe(`buildjail:${name}`, hear)
    }
    addon.network(session.id, [connection, unresolved, refused])
    for (const name of ['connection', 'refused']) unsubscribe(`buildjail:${name}`, hear)
    expect(heard).toEqual([
      { session: session.id, name: 'a.example', port: 443, address: '198.51.100.7', sent: 5, received: 70, durationMs: 1.5, outcome: 'closed' },
      { session: session.id, name: 'x.b.example', port: 80, address: undefined, sent: 0, received: 0, durationMs: 0, outcome: 'unresolved' },
      { session: session.id, name: 'telemetry.example.com', port: 0, outcome: 'name', count: 3 },
    ])
    expect(onChannel).toEqual(heard)
    expect(heard.every(Object.isFrozen)).toBe(true)
    await session.close()
  })

  it('hears nothing of another session, and nothing after it was closed', async () => {
    const [one, other] = [await openSession(plan), await openSession(plan)]
    const heard: string[] = []
    one.on('refused', ({ name }) => heard.push(`one ${name}`))
    other.on('refused', ({ name }) => heard.push(`other ${name}`))
    addon.network(one.id, [refused])
    await one.close()
    addon.network(one.id, [refused])
    addon.network(other.id, [refused])
    await other.close()
    expect(heard).toEqual(['one telemetry.example.com', 'other telemetry.example.com'])
  })

  it('and one without has none', async () => {
    const session = await openSession(fakePlan)
    const heard: unknown[] = []
    session.on('refused', (event) => heard.push(event))
    addon.network(session.id, [refused])
    await session.close()
    expect(heard).toEqual([])
  })

  const failing = (events: readonly NativeNetworkEvent[], ids?: readonly string[], stderr = 'getaddrinfo ENOTFOUND telemetry.example.com'): Partial<FakeAddon['script']> => ({
    behaviour: (launch, fake) => {
      for (const id of ids ?? fake.jobs.slice(-1).map((job) => job.id)) fake.network(id, events)
      fake.exit(launch.job, { exitCode: 1, stderr: Buffer.from(`${stderr}\n`) })
    },
  })
  const hint = { about: 'telemetry.example.com', problem: 'it looked up telemetry.example.com, which the network of this session does not have' }

  it('gives a hint to a command that failed for a name, in a session, a pool and a build', async () => {
    const session = await openSession(plan)
    addon.reset(failing([refused], [session.id]))
    expect((await session.run(['x'], { reject: false })).hints).toMatchObject([hint])
    await session.close()

    addon.reset(failing([refused]))
    expect(((await build(plan, ['x'], { reject: false })) as Result).hints).toMatchObject([hint])

    const pool = await SessionPool.open(spec, { size: 1 })
    // Which of those that are ready the pool takes is its own matter.
    const ids = addon.jobs.map(({ id }) => id)
    addon.script = { ...addon.script, ...failing([refused], ids) }
    expect((await pool.run({}, ['x'], { reject: false })).hints).toMatchObject([hint])
    await pool.close()
  })

  it('gives none for what happened before the command, unless the command says that it met it too', async () => {
    const session = await openSession(plan)
    addon.network(session.id, [refused])
    addon.reset(failing([], undefined, 'getaddrinfo ENOTFOUND'))
    expect((await session.run(['x'], { reject: false })).hints).toEqual([])
    addon.reset(failing([]))
    expect((await session.run(['x'], { reject: false })).hints).toMatchObject([hint])
    await session.close()
  })

  it('prints its events as lines of JSON', async () => {
    const lines: unknown[] = []
    const events = new EventLines({ out: (text: string) => void lines.push(JSON.parse(text)) } as unknown as Terminal)
    const session = await openSession(plan)
    addon.network(session.id, [connection, { ...refused, name: 'x\u001b[31m' }])
    events.over()
    await session.close()
    expect(lines).toContainEqual({ event: 'connection', session: session.id, name: 'a.example', port: 443, address: '198.51.100.7', sent: 5, received: 70, durationMs: 1.5, outcome: 'closed' })
    expect(lines).toContainEqual(expect.objectContaining({ event: 'refused', count: 3 }))
  })

  it('has in its record for each name how many connections there were, and the bytes, and what was refused', async () => {
    const session = await openSession(plan)
    const recorder = new Recorder(session, { began: performance.now(), version: '0', hasValues: false })
    addon.network(session.id, [connection, { ...connection, outcome: 'reset', sent: 1 }, unresolved, refused, { ...refused, count: 4 }])
    await recorder.look()
    await session.close()
    expect(recorder.record([]).network).toEqual({
      destinations: [
        { name: 'a.example', port: 443, connections: 2, sent: 6, received: 140, outcomes: { closed: 1, reset: 1 } },
        { name: 'x.b.example', port: 80, connections: 1, sent: 0, received: 0, outcomes: { unresolved: 1 } },
      ],
      refused: [{ name: 'telemetry.example.com', count: 7 }],
    })
  })

  it('and the record of another session says nothing of a network', async () => {
    const session = await openSession(fakePlan)
    const recorder = new Recorder(session, { began: performance.now(), version: '0', hasValues: false })
    await session.close()
    expect(recorder.record([])).not.toHaveProperty('network')
  })
})

describe('the names of a record', () => {
  it('are bounded, and those beyond are counted', () => {
    const seen = new SeenNames()
    for (let index = 0; index < 1500; index += 1) {
      seen.refused({ name: `n${index}.example`, port: 0, outcome: 'name', count: 2 })
      seen.connection({ name: `n${index}.example`, port: 80, address: undefined, sent: 1, received: 1, durationMs: 1, outcome: 'closed' })
    }
    seen.refused({ name: 'n0.example', port: 0, outcome: 'name', count: 2 })
    const { destinations, refused: names, leftOut } = seen.record
    expect([destinations.length, names.length, leftOut]).toEqual([1000, 1000, 1000])
    expect(names[0]).toEqual({ name: 'n0.example', count: 4 })
  })

  it('may be those of members of every object', () => {
    const seen = new SeenNames()
    for (const name of ['__proto__', 'constructor']) seen.refused({ name, port: 0, outcome: 'name', count: 1 })
    expect(seen.record.refused).toEqual([{ name: '__proto__', count: 1 }, { name: 'constructor', count: 1 }])
  })
})
