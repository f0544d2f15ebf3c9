import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'

import { build, openSession, SessionPool, type BuildProcess, type Session, type Spec } from '../../src/index.ts'
import { answers, armed, attack, describeAttack, isRoot, said } from './attacks/attack.ts'
import { usePrograms } from './controlled.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { isFreebsd } from './kernel.ts'

const port = '7654'
const ok = { inet: 'ok', inet6: 'ok' }
const refused = { inet: 'ECONNREFUSED', inet6: 'ECONNREFUSED' }
/** On FreeBSD root has no such network. */
const users: NonNullable<Spec['user']>[] = isRoot && !isFreebsd ? [{ uid: 4711, gid: 4711 }, 'root'] : [{ uid: 4711, gid: 4711 }]
const named = (user: Spec['user']): string => (user === 'root' ? 'root' : 'a user')

const spec = (user?: Spec['user']): Spec => armed({ network: 'loopback', ...(user === undefined ? {} : { user }) })
const tried = async (session: Session, ...args: string[]): Promise<Record<string, string>> =>
  answers((await session.run(attack('network', ...args))).stdout)

/** Listens inside until its stdin ends. */
async function listeningIn(session: Session): Promise<BuildProcess> {
  const child = session.spawn(attack('network', 'listen', port), { stdio: ['pipe', 'pipe', 'inherit'] })
  await said(child, 'ready')
  return child
}

async function listeningAt(address: string, at = 0): Promise<Server> {
  const server = createServer((socket) => socket.end()).listen(at, address)
  await once(server, 'listening')
  return server
}

describeAttack('a loopback of the session’s own', () => {
  const folders = useFolders()
  const programs = usePrograms()

  test.each(users.map((user) => [named(user), user] as const))('carries what %s sends to itself, by both addresses, from the first command on', async (_, user) => {
    const { stdout } = await build(spec(user), attack('network', 'exchange', port))
    expect(answers(stdout)).toEqual(ok)
  })

  // promise: 34
  test('is all the network that there is', async () => {
    const { stdout } = await build(spec(), attack('network', 'interfaces'))
    const lines = stdout.split('\n').filter((line) => !line.includes(' fe80::')).sort()
    expect(lines).toEqual(isFreebsd ? ['lo0 127.0.0.1', 'lo0 ::1'] : ['lo 127.0.0.1', 'lo ::1'])
  })

  // promise: 34
  test('has every port free, whatever a session beside it has taken', async () => {
    await using first = await openSession(spec())
    await using second = await openSession(spec())
    const taken = await listeningIn(first)
    const child = await listeningIn(second)
    expect(await tried(first, 'reach', port)).toEqual(ok)
    expect(await tried(second, 'reach', port)).toEqual(ok)
    taken.kill()
    child.kill()
  })

  test('is there in each session of a pool', async () => {
    await using pool = await SessionPool.open(spec(), { size: 2 })
    const runs = await Promise.all([0, 1, 2].map(() => pool.run({}, attack('network', 'exchange', port))))
    for (const { stdout } of runs) expect(answers(stdout)).toEqual(ok)
  })

  // promise: 34
  test.each(users.map((user) => [named(user), user] as const))('leads %s to nothing that listens on the host or in a session beside it', async (_, user) => {
    const onHost = await listeningAt('127.0.0.1')
    const { port: number } = onHost.address() as AddressInfo
    const onHostToo = await listeningAt('::1', number)
    const everywhere = await listeningAt('0.0.0.0')
    const { port: other } = everywhere.address() as AddressInfo
    try {
      await using session = await openSession(spec(user))
      await using beside = await openSession(spec(user))
      const listening = await listeningIn(beside)
      expect(await tried(session, 'reach', String(number))).toEqual(refused)
      expect(await tried(session, 'reach', port)).toEqual(refused)
      const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []).find(({ family, internal }) => family === 'IPv4' && !internal)
      if (outside !== undefined) expect(await tried(session, 'reach', String(other), outside.address)).toEqual({ ...refused, outside: 'ENETUNREACH' })
      listening.kill()
    } finally {
      for (const server of [onHost, onHostToo, everywhere]) server.close()
    }
  })

  // promise: 34
  test.skipIf(isFreebsd)('leads to no Unix socket without a file, on the host or in a session beside it', async () => {
    const name = `buildjail-test-${process.pid}`
    const server = createServer((socket) => socket.end()).listen(`\0${name}`)
    await once(server, 'listening')
    try {
      expect((await build(spec(), attack('network', 'abstract', name))).stdout).toBe('ECONNREFUSED')
      expect((await build(armed({ network: 'host' }), attack('network', 'abstract', name))).stdout).toBe('ok')
    } finally {
      server.close()
    }
  })

  // promise: 34
  test.each(users.map((user) => [named(user), user] as const))('is nothing that %s can change, or see whole', async (_, user) => {
    await using session = await openSession(spec(user))
    const got = await tried(session, 'change', isFreebsd ? 'lo0' : 'lo')
    expect(Object.keys(got)).toEqual(isFreebsd ? ['down', 'address', 'route', 'raw'] : ['down', 'address', 'route', 'raw', 'packet', 'packet datagrams'])
    for (const answer of Object.values(got)) expect(['EPERM', 'EACCES', 'EAFNOSUPPORT', 'EPROTONOSUPPORT']).toContain(answer)
    expect(await tried(session, 'exchange', port)).toEqual(ok)
  })

  test('is gone with the session, and keeps neither its mounts nor its output', async () => {
    const before = await hostState()
    const session = await openSession({ ...spec(), output: folders.output })
    expect(await tried(session, 'exchange', port)).toEqual(ok)
    await listeningIn(session)
    await session.close()
    await expectSameState(before)
  })

  test('is gone when the host program is killed, with the session', async () => {
    const before = await hostState()
    const program = await programs.start(folders.output, { network: 'loopback' })
    await program.kill()
    await expect.poll(async () => (await hostState()).mounts, { timeout: 20_000 }).toEqual(before.mounts)
    await expect.poll(async () => (await hostState()).stateFolder, { timeout: 20_000 }).toEqual(before.stateFolder)
    await expectSameState(before)
  })
})
