import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { describeAttack, onHost } from '../session/attacks/attack.ts'
import { dnsAnswers, hello, reset, tlsAnswers } from '../session/names/answers.ts'
import { describeFreebsd } from './guest.ts'
import { useOutside } from './names-outside.ts'

const describeHere: typeof describeFreebsd = process.platform === 'freebsd' ? describeAttack : describeFreebsd

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
/** Of the ports outside. What reads nothing is another program, because Bun reads in spite of `pauseOnConnect`. */
const ports = { 80: 'count', 81: 'echo', 83: 'much', 84: 'reset', 85: 'hello', 87: 'keep', 88: 'kept', 443: 'count' }

/** What a host program's scenario answers (test/session/names/shared.mjs). */
async function told(scenario: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [pathOf('names-scenarios.mjs'), scenario], { maxBuffer: 1 << 24 })
  return JSON.parse(stdout)
}

// What Linux is attacked with, too (test/linux/names.test.ts).
describeHere('a network of names on FreeBSD, attacked', () => {
  useOutside([process.execPath, pathOf('../session/names/outside-servers.mjs'), JSON.stringify(ports)], onHost('names', 'serve', '82'))

  test('passes on the end of one direction, much at once, and a reset', async () => {
    const { answer, events } = (await told('halfClose')) as { answer: unknown; events: { port: number; outcome: string }[] }
    expect(answer).toEqual(['3145728 bytes', 200_000, reset, 32 << 20])
    expect(Object.fromEntries(events.map(({ port, outcome }) => [port, outcome]))).toEqual({ 80: 'closed', 81: 'closed', 83: 'closed', 84: 'reset' })
  })

  test('has a writer wait for a reader that does not read, and nobody else', async () => {
    const found = await told('slow')
    console.log('slow', JSON.stringify(found))
    expect(found).toEqual({ same: hello, other: hello, isBounded: true, outcomes: { reset: 64 } })
  })

  test('leads by a name with a dot to no name of the host’s search list', async () => {
    const { answer, events } = (await told('searched')) as { answer: unknown; events: { name: string; outcome: string }[] }
    expect(answer).toEqual([reset, hello])
    expect(events.map(({ name, outcome }) => [name, outcome])).toEqual([['missing.invalid', 'unresolved'], ['missing', 'closed']])
  })

  // FreeBSD lets the listener of a name have the port beside it.
  test('has the names of a wildcard while a server of the build has their port, and after it', async () => {
    const { said, during, after } = (await told('portTaken')) as { said: string; during: string[]; after: string }
    expect([said, during.length]).toEqual(['listens', 20])
    for (const addresses of [...during, after]) expect(addresses).toContain('127.64.1.')
  })

  test('delivers all that a command has sent, also if its session is over at once', async () => {
    expect(await told('lastBytes')).toEqual({ count: 2_000_000, late: '20000 bytes' })
  })

  test('has the next connection wait where there are 256, and keeps nothing of 10,000', async () => {
    expect(await told('churn')).toEqual({ fine: 10_000, grown: 0, crowd: ['waits', hello], left: true })
  })

  test('holds up nobody where the host does not resolve a name', async () => {
    expect(await told('hanging')).toEqual({ own: hello, other: hello, before: 0, after: 40 })
  })

  test('takes nothing from another session while a build storms its own, and nothing for good from that', async () => {
    expect(await told('stormed')).toEqual({ other: [hello], isBounded: true, own: hello, left: 0 })
  })

  test('looks up no name for connections that were given up before', async () => {
    const { later, outcomes } = (await told('givenUp')) as { later: string; outcomes: Record<string, number> }
    expect(later).toBe(hello)
    // One that is reset before it was accepted is never seen (accept(2), ECONNABORTED).
    expect(Object.keys(outcomes)).toEqual(['reset'])
    expect(outcomes['reset']).toBeGreaterThan(250)
  })

  test('is over with its session, and each connection is told of', async () => {
    expect(await told('ending')).toEqual({ told: 20, sent: true, left: 0 })
  })

  test('lets only TLS to a name reach its port 443, however the first bytes are cut', async () => {
    const { answer, events } = (await told('tls')) as { answer: unknown; events: { outcome: string; sent: number }[] }
    expect(answer).toEqual(tlsAnswers)
    expect(events.filter(({ outcome }) => outcome === 'tls-name').map(({ sent }) => sent)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(await told('tlsOff')).toMatchObject({ answer: '5 bytes' })
  })

  test('has a resolver that answers what it is asked, and survives what nobody asks', async () => {
    expect(await told('dns')).toMatchObject({ answer: dnsAnswers })
  })

  test('counts the names that it refuses, and keeps 1,000 of them', async () => {
    expect(await told('refusals')).toEqual({ same: true, distinct: 1001, rest: true })
  })
})
