import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { describeLinux, namespaceOf } from './host.ts'

describeLinux('the namespaces of a session', () => {
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
  const shared = (namespaces: Readonly<Record<string, number>> = {}): string[] =>
    kinds.filter((kind) => namespaces[kind] === namespaceOf('self', kind))
  // Root has no need of other ids than the host's.
  const always = process.geteuid?.() === 0 ? ['user'] : []

  test('are its own', async () => {
    await using session = await openSession({})
    const { namespaces } = await session.record()
    expect(Object.keys(namespaces ?? {}).sort()).toEqual(kinds)
    expect(shared(namespaces)).toEqual(always)
  })

  test('are its own but for the network where that was declared', async () => {
    await using session = await openSession({ network: 'host' })
    expect(shared((await session.record()).namespaces)).toEqual(['net', ...always])
  })

  test('are no other session’s', async () => {
    await using one = await openSession({})
    await using other = await openSession({})
    const [a, b] = [(await one.record()).namespaces ?? {}, (await other.record()).namespaces ?? {}]
    expect(kinds.filter((kind) => a[kind] === b[kind])).toEqual(always)
  })

  test('are those of every command in it', async () => {
    await using session = await openSession({})
    const { namespaces = {} } = await session.record()
    for (let command = 0; command < 2; command++) {
      const { stdout } = await session.run(['sh', '-c', `for k in ${kinds.join(' ')}; do readlink /proc/self/ns/$k; done`])
      expect(stdout.trimEnd().split('\n')).toEqual(kinds.map((kind) => `${kind}:[${namespaces[kind]}]`))
    }
  })

  test('hold no network interface that is up', async () => {
    const { stdout } = await build({}, ['cat', '/proc/net/route', '/proc/net/if_inet6', '/proc/net/dev'])
    expect(stdout).toMatch(/\blo:/)
    expect(stdout.match(/^\s*\w+:/gm)).toHaveLength(1)
  })

  test.each([
    ['none', 'ECONNREFUSED'],
    ['host', 'connected'],
  ] as const)('with network %s, an abstract socket of the host says %s', async (network, answer) => {
    const name = `\0buildjail-test-${process.pid}`
    const server = createServer((socket) => socket.end()).listen(name)
    await once(server, 'listening')
    try {
      const script = `require('net').connect('\\0' + process.env.NAME)
        .on('connect', () => { console.log('connected'); process.exit() })
        .on('error', (error) => console.log(error.code))`
      const spec = { network, inputs: { node: path.resolve(execPath) }, env: { NAME: name.slice(1) } }
      const { stdout } = await build(spec, ['/inputs/node', '-e', script])
      expect(stdout.trimEnd()).toBe(answer)
    } finally {
      server.close()
    }
  })

  test('show of the host’s processes none, and of their own neither init nor how they were begun', async () => {
    await using session = await openSession({})
    await session.run(['true'])
    const { stdout } = await session.run(['sh', '-c', 'echo /proc/[0-9]*; cat /proc/1/cmdline'], { reject: false })
    const pids = stdout.trimEnd().split(' ').map((name) => Number(name.slice('/proc/'.length)))
    expect(pids).not.toContain(1)
    expect(pids.length).toBeLessThanOrEqual(2)
    expect(Math.max(...pids)).toBeLessThan(20)
  })

  test.runIf(existsSync('/proc/keys'))('come with a keyring of the session, instead of the caller’s', async () => {
    await using session = await openSession({})
    for (let command = 0; command < 2; command++) {
      const { stdout } = await session.run(['cat', '/proc/keys'])
      expect(stdout.trimEnd().split('\n')).toEqual([expect.stringMatching(new RegExp(` buildjail-${session.id}: empty$`))])
    }
  })
})
