import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import { build } from '../../src/index.ts'
import { answers, armed, attack, describeAttack } from '../session/attacks/attack.ts'
import { dnsAnswers, hello, reset, tlsAnswers } from '../session/names/answers.ts'
import { describeLinux, isRoot } from './host.ts'

const host = fileURLToPath(new URL('names-host.mjs', import.meta.url))

/** What a host program's scenario answers (names-scenarios.mjs). `before` is what its command line begins with. */
function told(scenario: string, before: readonly string[] = []): unknown {
  const words = ['--mount', '--net', execPath, host, scenario, ...before]
  const { stdout, stderr, status } = spawnSync('unshare', words, { encoding: 'utf8', maxBuffer: 1 << 24 })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return JSON.parse(stdout)
}

const ordinary = ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups']
const callers = [
  ['root', []],
  ['an ordinary user', ordinary],
] as const

// A host program needs a network and names of its own, which takes root.
const describeAttacked: typeof describe.skip = process.platform === 'linux' ? describeAttack : describe.skip
const users = [{ uid: 4711, gid: 4711 }, ...(isRoot ? (['root'] as const) : [])]

describeAttacked('the network of a session with names', () => {
  test.each(users.map((user) => [user === 'root' ? user : 'a user', user] as const))('is nothing that %s can change', async (_, user) => {
    const { stdout } = await build(armed({ network: { allow: ['10.77.0.7:80', 'host:7000'] }, user }), attack('network', 'change', 'lo'))
    const all = Object.values(answers(stdout))
    expect(all.length).toBeGreaterThan(3)
    for (const answer of all) expect(['EPERM', 'EACCES', 'EAFNOSUPPORT', 'EPROTONOSUPPORT']).toContain(answer)
  })

  test('has in it the loopback and the addresses that are allowed', async () => {
    const { stdout } = await build(armed({ network: { allow: ['10.77.0.7:80', '169.254.169.254:80', '[2001:db8::7]:80', 'a.example:80'] } }), attack('network', 'interfaces'))
    const found = stdout.trimEnd().split('\n').map((line) => line.split(' ')[1]).sort()
    expect(found).toEqual(['10.77.0.7', '127.0.0.1', '169.254.169.254', '2001:db8::7', '::1'])
  })
})

const describeHere: typeof describe.skip = isRoot ? describeLinux : describe.skip

describeHere('a network of names', () => {
  describe.each(callers)('of %s', (_, before) => {
    test('has an address for each name that is allowed, and no other', () => {
      expect(told('names', before)).toMatchObject({
        answer: {
          'allowed.example': '127.64.0.1,::ffff:127.64.0.1',
          'ALLOWED.example': '127.64.0.1,::ffff:127.64.0.1',
          'allowed.example.': '127.64.0.1,::ffff:127.64.0.1',
          'other.example': 'ENOTFOUND',
          'a.wild.example': '127.64.1.1,::ffff:127.64.1.1',
          'deep.b.wild.example': '127.64.1.2,::ffff:127.64.1.2',
          'wild.example': 'ENOTFOUND',
          'xwild.example': 'ENOTFOUND',
          host: '127.64.0.2,::ffff:127.64.0.2',
          '198.51.100.7': '198.51.100.7',
        },
      })
    }, 60_000)

    test('leads to the ports of a name, and tells of each connection', () => {
      expect(told('exact', before)).toEqual({
        answer: ['1000000 bytes', hello, hello, reset, 'ECONNREFUSED', 'ENETUNREACH'],
        events: [
          { name: 'allowed.example', port: 80, address: '198.51.100.7', sent: 1_000_000, received: 13, outcome: 'closed' },
          { name: 'six.example', port: 85, address: '2001:db8:1::7', sent: 0, received: 18, outcome: 'closed' },
          { name: 'allowed.example', port: 85, address: '198.51.100.7', sent: 0, received: 18, outcome: 'closed' },
          { name: 'allowed.example', port: 86, sent: 0, received: 0, outcome: 'refused' },
        ],
      })
    }, 60_000)

    test('is one for a program that takes IPv6 only, too', () => {
      expect(told('onlySix', before)).toMatchObject({ answer: ['::ffff:127.64.0.1', hello, hello, 'ENOTFOUND'] })
    }, 60_000)

    test('leads to an address as it is written, and to the loopback of the host', () => {
      const { answer, events } = told('addresses', before) as { answer: unknown; events: unknown[] }
      expect(answer).toEqual([hello, '3 bytes', hello, 'host', 'six', 'ECONNREFUSED', 'ENETUNREACH', reset, 'ECONNREFUSED'])
      expect(events).toContainEqual({ name: 'host', port: 7102, address: '::1', sent: 0, received: 3, outcome: 'closed' })
      expect(events).toContainEqual({ name: '203.0.113.99', port: 80, sent: 0, received: 0, outcome: 'unreachable' })
    }, 60_000)

    test('has the names of wildcards when they are asked for, each with the ports of all that fit', () => {
      expect(told('wildcards', before)).toMatchObject({ answer: ['3 bytes', 'abc', '4 bytes', '3 bytes', hello, '3 bytes', 'ECONNREFUSED'] })
    }, 60_000)

    test('is there in build(), and in each session of a pool; without an entry nothing is in it', () => {
      expect(told('others', before)).toEqual({ one: hello, pool: Array.from({ length: 3 }, () => [hello, hello]), empty: ['ENOTFOUND', 'ECONNREFUSED'] })
    }, 60_000)

    test('is refused where there are too few descriptors for it', () => {
      expect(told('starved', [...before, 'prlimit', '--nofile=128:128'])).toEqual({ tries: ['EMFILE', 'EMFILE'], after: 'goes on' })
    }, 60_000)

    // promise: 34
    test('leaves a build its own loopback, and no way to take an address of ours', () => {
      expect(told('own', before)).toMatchObject({
        answer: {
          loopback: 'listens',
          reached: 'mine',
          six: 'listens',
          ours: 'EADDRINUSE',
          everywhere: 'EADDRINUSE',
          address: 'EADDRINUSE',
          resolver: 'EACCES',
          resolverReused: 'EACCES',
          taken: 'listens',
          // That of the first was taken.
          wild: '127.64.1.2',
          again: 'EADDRINUSE',
        },
      })
    }, 60_000)
  })

  test('takes 64 names of wildcards, and refuses the next', () => {
    const { answer, events } = told('wildcardsBounded') as { answer: unknown; events: unknown[] }
    expect(answer).toEqual([64, 65, ['ENOTFOUND', 'ENOTFOUND'], true, '2 bytes'])
    expect(events.slice(0, 2)).toEqual([
      { refused: 'n64.many.example', outcome: 'limit', count: 1 },
      { refused: 'n65.many.example', outcome: 'limit', count: 1 },
    ])
  }, 60_000)

  test('has as many entries as a spec, and refuses more listening sockets than a session has', () => {
    expect(told('many')).toEqual({ last: ['127.64.0.1', expect.stringMatching(/^127\.64\.0\./)], address: [hello, 258], refused: { code: 'E2BIG', step: 'network', isNamed: true } })
  }, 60_000)

  // promise: 34
  test('leads by a name to no address of the host or of its own networks, whatever else the name has', () => {
    const { answer, events } = told('private') as { answer: unknown; events: { name: string; outcome: string; address?: string }[] }
    expect(answer).toEqual([reset, reset, reset, hello, reset, hello, reset, reset, reset, reset, reset, hello])
    expect(events.map(({ name, outcome, address }) => [name, outcome, address])).toEqual([
      ['private.example', 'private', '10.77.0.7'],
      ['loopback.example', 'private', '127.0.0.1'],
      ['own.example', 'private', '198.51.100.1'],
      ['mixed.example', 'closed', '198.51.100.7'],
      // The host's search list has a name for each, and only one of them is short.
      ['missing.invalid', 'unresolved', undefined],
      ['missing', 'closed', '198.51.100.7'],
      ['translated.example', 'private', '64:ff9b::a4d:7'],
      ['own-translated.example', 'private', '64:ff9b::c633:6401'],
      ['anycast.example', 'private', '2001:db8:1::'],
      ['routed.example', 'private', '203.0.113.5'],
      ['dropped.example', 'private', '203.0.113.6'],
      // Of two of its addresses the kernel tells no route.
      ['half.example', 'closed', '198.51.100.7'],
    ])
    expect(told('alone')).toBe('private')
  }, 60_000)

  test('has a hint for a name that leads to an address of the host’s own networks, which lets it lead there', () => {
    expect(told('hinted')).toEqual({ said: expect.stringContaining('--allow-host 10.77.0.7:85') as string, helped: hello })
  }, 60_000)

  // promise: 34
  test('is all the way out that there is', () => {
    expect(told('nothingElse')).toMatchObject({
      answer: { address: 'ENETUNREACH', loopback: 'ECONNREFUSED', port: 'ECONNREFUSED', resolverOutside: 'ENETUNREACH', six: 'ENETUNREACH', proxy: [] },
    })
  }, 60_000)

  test('passes on the end of one direction, much at once, and a reset', () => {
    const { answer, events } = told('halfClose') as { answer: unknown; events: { port: number; outcome: string }[] }
    expect(answer).toEqual(['3145728 bytes', 200_000, reset, 32 << 20])
    expect(Object.fromEntries(events.map(({ port, outcome }) => [port, outcome]))).toEqual({ 80: 'closed', 81: 'closed', 83: 'closed', 84: 'reset' })
  }, 60_000)

  // promise: 34
  test('has a writer wait for a reader that does not read, and nobody else', () => {
    expect(told('slow')).toEqual({ same: hello, other: hello, isBounded: true, outcomes: { reset: 64 } })
  }, 60_000)

  test('has the names of a wildcard when a server of the build has let go of their port', () => {
    expect(told('portTaken')).toEqual({ said: 'listens', during: ['ENOTFOUND'], after: expect.stringMatching(/^127\.64\./) as string })
  }, 60_000)

  // promise: 34
  test('delivers all that a command has sent, also if its session is over at once', () => {
    expect(told('lastBytes')).toEqual({ count: 2_000_000, late: '20000 bytes' })
  }, 60_000)

  test('has the next connection wait where there are 256, and keeps nothing of 10,000', () => {
    expect(told('churn')).toEqual({ fine: 10_000, grown: 0, crowd: ['waits', hello], left: true })
  }, 120_000)

  test('goes on when its host program has descriptors again', () => {
    expect(told('scarce', ['prlimit', '--nofile=128:128'])).toEqual({ answer: hello, isKnown: true })
  }, 60_000)

  // promise: 34
  test('holds up nobody where the host does not resolve a name', () => {
    expect(told('hanging')).toEqual({ own: hello, other: hello, before: 0, after: 40 })
  }, 60_000)

  test('is over with its environment, whatever is looked up for it', () => {
    expect(told('terminated')).toEqual({ grown: true, left: 0 })
  }, 60_000)

  test('takes nothing from another session while a build storms its own, and nothing for good from that', () => {
    expect(told('stormed')).toEqual({ other: [hello], isBounded: true, own: hello, left: 0 })
  }, 60_000)

  // promise: 34
  test('has no session wait while a build of another asks much by TCP', () => {
    expect(told('asked')).toMatchObject({ isFair: true })
  }, 60_000)

  test('tries few addresses of a name at a time', () => {
    expect(told('slowAddresses')).toEqual({ answer: reset, tried: 8 })
  }, 60_000)

  test('looks up no name for connections that were given up before', () => {
    expect(told('givenUp')).toEqual({ later: hello, outcomes: { reset: 500 } })
  }, 120_000)

  // promise: 34
  test('is over with its session, and each connection is told of', () => {
    expect(told('ending')).toEqual({ told: 20, sent: true, left: 0 })
  }, 60_000)

  test('is over with a host program that is killed', () => {
    expect(told('killed')).toEqual({ during: 5, after: 0 })
  }, 60_000)

  test('leaves no server a part for the whole where its host program is killed', () => {
    expect(told('killedSending')).toBe('0 bytes')
  }, 60_000)

  test('holds no port of the host at which a server of it is to listen', () => {
    expect(told('ownPort')).toEqual(['listens', 'listens'])
  }, 60_000)

  // promise: 34
  test('lets only TLS to a name reach its port 443, however the first bytes are cut', () => {
    const { answer, events } = told('tls') as { answer: unknown; events: { outcome: string; sent: number }[] }
    expect(answer).toEqual(tlsAnswers)
    const refused = events.filter(({ outcome }) => outcome === 'tls-name')
    expect(refused.map(({ sent }) => sent)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(told('tlsOff')).toMatchObject({ answer: '5 bytes' })
  }, 60_000)

  test('has a resolver that answers what it is asked, and survives what nobody asks', () => {
    expect(told('dns')).toMatchObject({ answer: dnsAnswers })
  }, 60_000)

  test('counts the names that it refuses, and keeps 1,000 of them', () => {
    expect(told('refusals')).toEqual({ same: true, distinct: 1001, rest: true })
  }, 60_000)
})
