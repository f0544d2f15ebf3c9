import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'

import { build, openSession, type Session, type Spec } from '../../src/index.ts'
import { answers, armed, attack, hostProgram, onHost, outputOf } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { copyOfPackage } from '../session/package-copy.ts'
import { describeLinux, namespaceOf } from './host.ts'

describeLinux('the namespaces of a session', () => {
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
  const shared = (namespaces: Readonly<Record<string, number>> = {}): string[] =>
    kinds.filter((kind) => namespaces[kind] === namespaceOf('self', kind))
  // promise: 25
  test('are its own', async () => {
    await using session = await openSession({})
    const { namespaces } = await session.record()
    expect(Object.keys(namespaces ?? {}).sort()).toEqual(kinds)
    expect(shared(namespaces)).toEqual([])
  })

  test('are its own but for the network where that was declared', async () => {
    await using session = await openSession({ network: 'host' })
    expect(shared((await session.record()).namespaces)).toEqual(['net'])
  })

  test('are no other session’s', async () => {
    await using one = await openSession({})
    await using other = await openSession({})
    const [a, b] = [(await one.record()).namespaces ?? {}, (await other.record()).namespaces ?? {}]
    expect(kinds.filter((kind) => a[kind] === b[kind])).toEqual([])
  })

  test('are those of every command in it', async () => {
    await using session = await openSession({})
    const { namespaces = {} } = await session.record()
    for (let command = 0; command < 2; command++) {
      const { stdout } = await session.run(['sh', '-c', `for k in ${kinds.join(' ')}; do readlink /proc/self/ns/$k; done`])
      expect(stdout.trimEnd().split('\n')).toEqual(kinds.map((kind) => `${kind}:[${namespaces[kind]}]`))
    }
  })

  // promise: 34
  test('hold no network interface that is up', async () => {
    const { stdout } = await build({}, ['cat', '/proc/net/route', '/proc/net/if_inet6', '/proc/net/dev'])
    expect(stdout).toMatch(/\blo:/)
    expect(stdout.match(/^\s*\w+:/gm)).toHaveLength(1)
  })

  test.each([
    ['none', 'ECONNREFUSED'],
    ['host', 'connected'],
  ] as const)('with network %s, an abstract socket of the host says %s', async (network, answer) => {
    const name = `\0buildjail-test-${randomUUID()}`
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

  // promise: 25
  test('show of the host’s processes none, and of their own neither init nor how they were begun', async () => {
    await using session = await openSession({})
    await session.run(['true'])
    const { stdout } = await session.run(['sh', '-c', 'echo /proc/[0-9]*; cat /proc/1/cmdline'], { reject: false })
    const pids = stdout.trimEnd().split(' ').map((name) => Number(name.slice('/proc/'.length)))
    expect(pids).not.toContain(1)
    expect(pids.length).toBeLessThanOrEqual(2)
    expect(Math.max(...pids)).toBeLessThan(20)
  })
})

describeLinux('a build that may make namespaces', () => {
  const folders = useFolders()
  const allow = ['user-namespaces'] as const
  const inOwn = ['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork']

  test.each(['a private /tmp', 'an output in its place'])('has a /proc of its own in them, as a container without root, with %s', async (name) => {
    const outputs = name === 'a private /tmp' ? {} : { '/tmp': folders.output }
    const { stdout } = await build({ allow, outputs }, [...inOwn, '--mount-proc', 'sh', '-c', 'cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l; id -u'])
    expect(stdout.trim().split(/\s+/)).toEqual(['sh', expect.stringMatching(/^[1-4]$/), '0'])
    expect(readdirSync(folders.output)).toEqual([])
  })

  test('and finds no way to the session’s own whole /proc, nor uncovers what is hidden', async () => {
    const script = 'ls -A /tmp; umount /tmp; umount -l /tmp; umount /proc/keys; umount -R /proc; ls -A /tmp; cat /proc/keys; mount --bind / /mnt; mount --rbind /tmp /tmp; ls -A /tmp'
    const { stdout } = await build({ allow }, ['sh', '-c', `${inOwn.join(' ')} sh -c '${script}' 2>/dev/null || true`])
    expect(stdout).toBe('')
  })

  test.runIf(existsSync('/usr/bin/bwrap'))('runs bubblewrap, with all that it unshares', async () => {
    const words = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--unshare-all', '--die-with-parent']
    const { stdout } = await build({ allow }, ['bwrap', ...words, 'sh', '-c', 'echo $$ $(id -u)'])
    expect(stdout).toMatch(/^[1-4] 35001$/)
  })

  test('runs this package, which opens a session in the session', async () => {
    const folder = path.join(folders.top, 'package')
    copyOfPackage(folder)
    const spec: Spec = { allow, toolchain: ['host', 'node'], inputs: { '/pkg': folder } }
    const script = `import('/pkg/dist/index.js').then(async ({ build }) => console.log((await build({}, ['sh', '-c', 'id -un; ls /pkg 2>&1 || true'])).stdout))`
    const { stdout } = await build(spec, [execPath, '-e', script])
    expect(stdout).toMatch(/^build\nls: .*\/pkg/)
  })
})

// A kernel or a container may have no keyctl(2), for whoever asks.
const [askKeys = '', ...keyWords] = onHost('keys', 'tell')
const hostKeys = process.platform === 'linux' && existsSync(askKeys) ? answers(spawnSync(askKeys, keyWords, { encoding: 'utf8' }).stdout) : {}
const hasKeyrings = /^\d+$/.test(hostKeys['session'] ?? '')
if (process.platform === 'linux' && !hasKeyrings) console.warn(`skipped: no keyring can be looked at here (${hostKeys['session'] ?? 'there is no cc'})`)

// Not the keyring of a user (user-keyring(7)): that one is shared by all who have the number, a build among them, and is out of reach
// where no keyring was allowed.
describeLinux('the session keyring of a build', () => {
  // promise: 29
  test.runIf(hasKeyrings)('is its session’s own: neither the caller’s nor another session’s, and one for all commands', async () => {
    await using one = await openSession(armed({ allow: ['keyring'] }))
    await using other = await openSession(armed({ allow: ['keyring'] }))
    const keyringIn = async (session: Session): Promise<string> => answers((await session.run(attack('keys', 'tell'))).stdout)['session'] ?? ''
    const keyrings = [await keyringIn(one), await keyringIn(one), await keyringIn(other)]
    expect(keyrings.filter((keyring) => /^\d+$/.test(keyring))).toHaveLength(3)
    expect(keyrings[1]).toBe(keyrings[0])
    expect(new Set([...keyrings, hostKeys['session']]).size).toBe(3)
  })

  const users: readonly (readonly [string, Spec['user']])[] = [
    ['the build user', undefined],
    ['root', 'root'],
  ]
  // promise: 29
  test.runIf(hasKeyrings).each(users)('leads %s to no key of a caller’s own, who has a keyring of the user as well, as after a login', async (_, user) => {
    const spec = armed({ allow: ['keyring'], ...(user === undefined ? {} : { user }) })
    const program = hostProgram(spec, attack('keys', 'tell'), onHost('keys', 'with'))
    const { caller, session, ...looked } = answers(await outputOf(program))
    expect([caller, session]).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)])
    expect(session).not.toBe(caller)
    expect(looked).toEqual({ search: 'ENOKEY', request: 'ENOKEY' })
  })

  // promise: 29
  test.runIf(hasKeyrings).each(users)('is out of reach for %s, like every other keyring, where the spec does not allow it', async (_, user) => {
    const program = hostProgram(armed(user === undefined ? {} : { user }), attack('keys', 'tell'), onHost('keys', 'with'))
    expect(answers(await outputOf(program))).toEqual({ caller: expect.stringMatching(/^\d+$/) as string, session: 'ENOSYS' })
  })
})
