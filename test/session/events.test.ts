import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'

import { build, openSession, SessionPool, type SessionEventName, type SessionEvents } from '../../src/index.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

const names = ['step', 'command', 'stdio', 'limit', 'end', 'close'] as const
type Heard = { readonly name: SessionEventName; readonly event: SessionEvents[SessionEventName][0] }

let stopHearing = (): void => {}
afterEach(() => stopHearing())

/** What is told on the channels of diagnostics_channel. */
function heard(): Heard[] {
  const all: Heard[] = []
  const listeners = names.map((name) => {
    const listener = (event: unknown): void => void all.push({ name, event: event as Heard['event'] })
    subscribe(`buildjail:${name}`, listener)
    return { name, listener }
  })
  stopHearing = () => {
    for (const { name, listener } of listeners) unsubscribe(`buildjail:${name}`, listener)
  }
  return all
}

/** Without the steps: they are many, and each system has its own. */
const course = (all: readonly Heard[]): unknown[] => all.filter(({ name }) => name !== 'step').map(({ name, event }) => ({ name, ...event }))

const script = ['sh', '-c', 'echo out; echo err >&2; exit 3']

describeSession('what happens in sessions is told', () => {
  test('on the session, in its order, and the same objects on the channels', async () => {
    const all = heard()
    const session = await openSession({})
    const own: Heard[] = []
    for (const name of names) session.on(name, (event: Heard['event']) => own.push({ name, event }))
    expect(await session.run(script, { reject: false })).toMatchObject({ exitCode: 3, stdout: 'out', stderr: 'err' })
    await session.close()
    const fromOwn = all.filter(({ name, event }) => name !== 'step' || (event as SessionEvents['step'][0]).phase === 'close')
    expect(fromOwn).toHaveLength(own.length)
    expect(fromOwn.every(({ event }, index) => event === own[index]?.event)).toBe(true)
    const told = course(own) as { readonly name: string; readonly command?: number; readonly stream?: string; readonly chunk?: Buffer }[]
    expect(told.map(({ name }) => name)).toEqual(['command', 'stdio', 'stdio', 'end', 'close'])
    expect(told[0]).toMatchObject({ session: session.id, argv: script, cwd: '/tmp' })
    const output = Object.fromEntries(told.flatMap(({ stream, chunk }) => (stream === undefined ? [] : [[stream, String(chunk)]])))
    expect(output).toEqual({ stdout: 'out\n', stderr: 'err\n' })
    expect(told[3]).toMatchObject({ command: told[0]?.command, exitCode: 3, signal: undefined, limit: undefined, error: undefined, durationMs: expect.any(Number) as number })
    expect(told[4]).toEqual({ name: 'close', session: session.id, error: undefined })
    const steps = all.filter(({ name }) => name === 'step').map(({ event }) => event as SessionEvents['step'][0])
    expect(steps.map(({ step, path, ns }) => (path === undefined ? { step, ns } : { step, path, ns }))).toEqual(session.steps.map(({ step, path, ns }) => (path === undefined ? { step, ns } : { step, path, ns })))
  })

  test('on a session, of its closing and not of its opening', async () => {
    const session = await openSession({})
    const phases: string[] = []
    session.on('step', ({ phase }) => phases.push(phase))
    await session.close()
    expect([...new Set(phases)]).toEqual(['close'])
  })

  test('of a build and of a run in a pool as well, each of which is then as it is when nobody listens', async () => {
    const quiet = await build({}, script, { reject: false })
    const before = await hostState()
    const all = heard()
    const loud = await build({}, script, { reject: false })
    const { durationMs: _durationMs, usage: _usage, ...result } = quiet
    expect(loud).toMatchObject(result)
    {
      await using pool = await SessionPool.open({}, { size: 1 })
      expect(await pool.run({}, script, { reject: false })).toMatchObject(result)
    }
    const sessions = [...new Set(all.filter(({ name }) => name === 'command').map(({ event }) => event.session))]
    expect(sessions).toHaveLength(2)
    for (const session of sessions) {
      const ofOne = all.filter(({ event }) => event.session === session)
      expect(course(ofOne).map((told) => (told as Heard).name)).toEqual(['command', 'stdio', 'stdio', 'end', 'close'])
      const phases = ofOne.flatMap(({ name, event }) => (name === 'step' ? [(event as SessionEvents['step'][0]).phase] : []))
      expect(new Set(phases)).toEqual(new Set(['open', 'close']))
    }
    await expectSameState(before)
  })

  test('of a spawned command, and of one that could not be started', async () => {
    await using session = await openSession({})
    const own: Heard[] = []
    for (const name of names) session.on(name, (event: Heard['event']) => own.push({ name, event }))
    await once(session.spawn(script), 'close')
    expect(course(own).map((told) => (told as Heard).name).filter((name) => name !== 'stdio')).toEqual(['command', 'end'])
    expect(own.flatMap(({ name, event }) => (name === 'stdio' ? [String((event as SessionEvents['stdio'][0]).chunk)] : [])).sort()).toEqual(['err\n', 'out\n'])
    own.length = 0
    const failure = await rejected(session.run(['no-such-command']))
    expect(course(own)).toMatchObject([{ name: 'command', argv: ['no-such-command'] }, { name: 'end', exitCode: undefined, error: failure }])
  })

  test('and what a listener throws ends no command', async () => {
    await using session = await openSession({})
    const thrown = new Error('of a listener')
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
    const others = process.listeners('uncaughtException').slice(0, -1)
    for (const other of others) process.off('uncaughtException', other)
    try {
      session.once('command', () => {
        throw thrown
      })
      expect((await session.run(['echo', 'unharmed'])).stdout).toBe('unharmed')
      expect(await uncaught).toBe(thrown)
    } finally {
      for (const other of others) process.on('uncaughtException', other)
    }
  })
})
