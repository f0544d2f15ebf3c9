import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { expect, test } from 'vitest'

import { build, openSession, SessionPool, type Session, type Spec } from '../../src/index.ts'
import { answers, armed, attack, describeAttack, onHost, refusalOf, said } from '../session/attacks/attack.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'
import { useOutside } from './names-outside.ts'

const describeHere: typeof describeFreebsd = process.platform === 'freebsd' ? describeAttack : describeFreebsd

const user = { uid: 4711, gid: 4711 }
const spec = (allow: readonly string[], more: Spec = {}, tlsNames = true): Spec => armed({ network: { allow, tlsNames }, ...more })
const run = async (session: Session, ...words: string[]): Promise<Record<string, string>> => answers((await session.run(attack('names', ...words))).stdout)

type Told = Readonly<Record<string, unknown>>

/** The connections of a session and the names that it refused, in the order in which they are told. */
function eventsOf(session: Session): Told[] {
  const events: Told[] = []
  session.on('connection', ({ name, port, address, sent, received, outcome }) => events.push({ name, port, ...(address !== undefined && { address }), sent, received, outcome }))
  session.on('refused', ({ name, outcome }) => events.push({ refused: name, outcome }))
  return events
}

async function told(given: Spec, ...words: string[]): Promise<{ readonly answer: Record<string, string>; readonly events: Told[] }> {
  const session = await openSession(given)
  const events = eventsOf(session)
  try {
    return { answer: await run(session, ...words), events }
  } finally {
    await session.close()
  }
}

async function listeningAt(port: number, address: string, text: string): Promise<Server> {
  const server = createServer((socket) => socket.end(text)).listen(port, address)
  await once(server, 'listening')
  return server
}

describeHere('a network of names on FreeBSD', () => {
  const folders = useFolders()
  const programs = usePrograms()
  useOutside(onHost('names', 'serve', '80', '81', '85', '443'))

  test('has an address for each name that is allowed, and no other', async () => {
    const allow = ['allowed.example:80', 'six.example:85', '*.wild.example:80', 'host:9', '10.77.0.7:80']
    const names = ['allowed.example', 'ALLOWED.example', 'allowed.example.', 'other.example', 'a.wild.example', 'deep.b.wild.example', 'wild.example', 'xwild.example', 'host']
    const { answer, events } = await told(spec(allow), '4', 'look', ...names)
    expect(answer).toEqual({
      'allowed.example': '127.64.0.1',
      'ALLOWED.example': '127.64.0.1',
      'allowed.example.': '127.64.0.1',
      'other.example': 'none',
      'a.wild.example': '127.64.1.1',
      'deep.b.wild.example': '127.64.1.2',
      'wild.example': 'none',
      'xwild.example': 'none',
      host: '127.64.0.2',
    })
    for (const refused of ['other.example', 'wild.example', 'xwild.example']) expect(events).toContainEqual({ refused, outcome: 'name' })
  })

  test('leads to the ports of a name, and tells of each connection', async () => {
    const allow = ['allowed.example:80', 'allowed.example:81', 'six.example:85', 'allowed.example:86']
    const talks = ['allowed.example', '80', '1000000', 'allowed.example', '81', '200000', 'six.example', '85', '0', 'allowed.example', '86', '0', 'allowed.example', '85', '0', '198.51.100.7', '80', '0']
    const { answer, events } = await told(spec(allow, { user }), 'talk', ...talks)
    expect(answer).toEqual({
      // It gets an answer after the end of its own direction.
      'allowed.example 80': '1000000',
      'allowed.example 81': '200000 bytes',
      'six.example 85': 'hello',
      'allowed.example 86': 'ECONNRESET',
      'allowed.example 85': 'ECONNREFUSED',
      '198.51.100.7 80': 'ENETUNREACH',
    })
    expect(events).toEqual([
      { name: 'allowed.example', port: 80, address: '198.51.100.7', sent: 1_000_000, received: 7, outcome: 'closed' },
      { name: 'allowed.example', port: 81, address: '198.51.100.7', sent: 200_000, received: 200_000, outcome: 'closed' },
      { name: 'six.example', port: 85, address: '2001:db8:1::7', sent: 0, received: 5, outcome: 'closed' },
      { name: 'allowed.example', port: 86, sent: 0, received: 0, outcome: 'refused' },
    ])
  })

  test('is one for a program that takes IPv6 addresses only, too', async () => {
    const server = await listeningAt(7104, '127.0.0.1', 'host')
    try {
      await using session = await openSession(spec(['allowed.example:80', 'allowed.example:8085', '*.wild.example:85', '10.77.0.7:85', 'host:7104'], { user }))
      expect(await run(session, '6', 'look', 'allowed.example', 'other.example', '10.77.0.7')).toEqual({ 'allowed.example': 'fd6a:6169:6c00::7f40:1', 'other.example': 'none', '10.77.0.7': 'none' })
      for (const family of ['6', '4']) {
        expect(await run(session, family, 'talk', 'allowed.example', '80', '1000000', 'a.wild.example', '85', '0', 'host', '7104', '0', 'other.example', '80', '0')).toEqual({
          'allowed.example 80': '1000000',
          'a.wild.example 85': 'hello',
          'host 7104': 'host',
          'other.example 80': 'none',
        })
      }
      expect(await run(session, 'bind', 'fd6a:6169:6c00::7f40:1', '8085')).toEqual({ plain: 'EADDRINUSE', address: 'EADDRINUSE', port: 'EADDRINUSE', datagrams: 'ok' })
    } finally {
      server.close()
    }
  })

  test('leads to an address as it is written, and to the loopback of the host', async () => {
    const servers = [await listeningAt(7101, '127.0.0.1', 'host'), await listeningAt(7102, '::1', 'six')]
    try {
      const allow = ['10.77.0.7:85', '[2001:db8:1::7]:85', 'host:7101', 'host:7102']
      const talks = ['10.77.0.7', '85', '2001:db8:1::7', '85', 'host', '7101', 'host', '7102', '10.77.0.7', '80', '127.0.0.1', '7101']
      const { answer } = await told(spec(allow), 'talk', ...talks.flatMap((word, index) => (index % 2 === 0 ? [word] : [word, '0'])))
      expect(answer).toEqual({
        '10.77.0.7 85': 'hello',
        '2001:db8:1::7 85': 'hello',
        'host 7101': 'host',
        'host 7102': 'six',
        '10.77.0.7 80': 'ECONNREFUSED',
        '127.0.0.1 7101': 'ECONNREFUSED',
      })
    } finally {
      for (const server of servers) server.close()
    }
  })

  test('has the names of wildcards when they are asked for, each with the ports of all that fit, and 64 of them', async () => {
    const allow = ['*.wild.example:80', '*.b.wild.example:85', '*.wild.example:443']
    const talks = ['a.wild.example', '80', '3', 'a.wild.example', '443', '4', 'deep.b.wild.example', '85', '0', 'deep.b.wild.example', '80', '5', 'a.wild.example', '85', '0']
    expect((await told(spec(allow, {}, false), 'talk', ...talks)).answer).toEqual({
      'a.wild.example 80': '3',
      'a.wild.example 443': 'hello',
      'deep.b.wild.example 85': 'hello',
      'deep.b.wild.example 80': '5',
      'a.wild.example 85': 'ECONNREFUSED',
    })
    const names = Array.from({ length: 66 }, (_, index) => `n${index}.many.example`)
    const session = await openSession(spec(['*.many.example:80', '*.wild.example:85', '*.wild.example:86', '*.wild.example:87']))
    const events = eventsOf(session)
    const found = Object.values(await run(session, '4', 'look', ...names))
    expect([new Set(found).size, found.slice(64)]).toEqual([65, ['none', 'none']])
    expect(await run(session, 'talk', 'n63.many.example', '80', '2')).toEqual({ 'n63.many.example 80': '2' })
    await session.close()
    expect(events).toContainEqual({ refused: 'n64.many.example', outcome: 'limit' })
  })

  test('leads by a name to no address of the host or of its own networks, and on port 443 to TLS alone', async () => {
    const names = ['private.example', 'loopback.example', 'own.example', 'mixed.example']
    const allow = [...names.map((name) => `${name}:85`), 'allowed.example:443']
    const { answer, events } = await told(spec(allow), 'talk', ...names.flatMap((name) => [name, '85', '0']), 'allowed.example', '443', '9')
    expect(Object.values(answer)).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET', 'hello', 'ECONNRESET'])
    expect(events.map(({ outcome }) => outcome)).toEqual(['private', 'private', 'private', 'closed', 'tls-name'])
  })

  test('is there in build(), and in each session of a pool; without an entry nothing is in it', async () => {
    const given = spec(['allowed.example:85'])
    const words = attack('names', 'talk', 'allowed.example', '85', '0')
    expect((await build(given, words)).stdout).toBe('allowed.example 85: hello')
    await using pool = await SessionPool.open(given, { size: 2 })
    for (const { stdout } of await Promise.all([0, 1, 2].map(() => pool.run({}, words)))) expect(stdout).toBe('allowed.example 85: hello')
    expect((await build(spec([]), words)).stdout).toBe('allowed.example 85: none')
  })

  test('cannot have a listener of ours taken, nor the resolver', async () => {
    await using session = await openSession(spec(['allowed.example:8085', 'host:7000', '*.wild.example:8086'], { user }))
    const taken = { plain: 'EADDRINUSE', address: 'EADDRINUSE', port: 'EADDRINUSE', datagrams: 'ok' }
    expect(await run(session, 'bind', '127.64.0.1', '8085')).toEqual(taken)
    const refused = 'EACCES'
    expect(await run(session, 'bind', '127.0.0.53', '53')).toEqual({ plain: refused, address: refused, port: refused, datagrams: refused })
    expect(await run(session, '4', 'look', 'a.wild.example')).toEqual({ 'a.wild.example': '127.64.1.1' })
    expect(await run(session, 'bind', '127.64.1.1', '8086')).toEqual(taken)
  })

  test('lets no build listen at all addresses of a port at which a listener of ours is', async () => {
    await using session = await openSession(spec(['host:7103'], { user }))
    const server = await listeningAt(7103, '127.0.0.1', 'host')
    try {
      // The kernel lets nobody but root listen so, where the socket of another user is at that port.
      const { stdout } = await session.run(attack('names', 'beside', '7103'), { reject: false })
      expect(stdout).not.toContain('ready')
      expect(await run(session, 'talk', 'host', '7103', '0')).toEqual({ 'host 7103': 'host' })
    } finally {
      server.close()
    }
  })

  // Its name would be taken for a command by devd(8) of the host, and as root the build could choose that.
  // promise: 22
  test('is refused to a build that is root', async () => {
    const state = await hostState()
    for (const network of [{ allow: ['allowed.example:85'] }, 'loopback', { vnet: 'epair0b' }] as const) {
      expect(await refusalOf(armed({ network, user: 'root' }))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', step: 'plan', entry: 'user' })
    }
    await expectSameState(state)
  })

  test('is nothing that a build can change, and has in it what is allowed', async () => {
    const given = spec(['10.77.0.7:80', '[2001:db8::7]:80', 'a.example:80', 'host:7000'], { user })
    const changed = answers((await build(given, attack('network', 'change', 'lo0'))).stdout)
    expect(Object.keys(changed)).toEqual(['down', 'address', 'route', 'raw'])
    for (const answer of Object.values(changed)) expect(['EPERM', 'EACCES']).toContain(answer)
    const { stdout } = await build(given, attack('network', 'interfaces'))
    const found = stdout.trimEnd().split('\n').map((line) => line.replace(/^lo0 /, '')).filter((address) => !address.startsWith('fe80:'))
    expect(found.sort()).toEqual(['10.77.0.7', '127.0.0.1', '127.0.0.53', '127.64.0.1', '127.64.0.2', 'fd6a:6169:6c00::7f40:1', 'fd6a:6169:6c00::7f40:2', '2001:db8::7', '::1'].sort())
  })

  test('is refused where it needs more listeners than a session has', async () => {
    const state = await hostState()
    const allow = Array.from({ length: 253 }, (_, index) => `n${index}.example:80`)
    expect(await refusalOf(spec([...allow, '*.example:81', '*.example:82', '*.example:83']))).toMatchObject({ code: 'E2BIG', step: 'network' })
    await expectSameState(state)
    await using session = await openSession(spec([...allow, '*.example:81', '*.other.example:82', '*.other.example:83']))
    expect(Object.keys(await run(session, '4', 'look', 'n0.example', 'n252.example'))).toEqual(['n0.example', 'n252.example'])
  })

  test('is over with its session, and each connection is told of', async () => {
    const state = await hostState()
    const session = await openSession({ ...spec(['allowed.example:81']), output: folders.output })
    const events = eventsOf(session)
    const child = session.spawn(attack('names', 'hold', 'allowed.example', '81', '20'), { stdio: ['pipe', 'pipe', 'inherit'] })
    await said(child, 'ready')
    await session.close()
    rmSync(folders.output, { recursive: true })
    expect(events).toHaveLength(20)
    for (const event of events) expect(event).toMatchObject({ name: 'allowed.example', port: 81, sent: 1, received: 1 })
    await expectSameState(state)
    await expect.poll(async () => (await hostState()).descriptors.length, { timeout: 5000 }).toBeLessThanOrEqual(state.descriptors.length)
  })

  test('is over with a host program that is killed', async () => {
    const state = await hostState()
    const program = await programs.start(folders.output, { network: { allow: ['allowed.example:85', '*.wild.example:85'] } })
    await program.kill()
    await expect.poll(async () => (await hostState()).mounts, { timeout: 20_000 }).toEqual(state.mounts)
    await expect.poll(async () => (await hostState()).stateFolder, { timeout: 20_000 }).toEqual(state.stateFolder)
    await expectSameState(state)
  })
})
