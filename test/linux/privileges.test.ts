import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { build, openSession, SystemCallError } from '../../src/index.ts'
import { describeLinux, isRoot } from './host.ts'

const kept = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID']
// linux/capability.h
const bits = [0, 1, 3, 4, 5, 6, 7].reduce((set, bit) => set | (1 << bit), 0)

describeLinux('what a build may do', () => {
  const statusOf = async (user?: 'root'): Promise<Map<string, string>> => {
    const { stdout } = await build(user === undefined ? {} : { user }, ['cat', '/proc/self/status'])
    return new Map(stdout.split('\n').map((line) => [line.split(':')[0] ?? '', line.split(':')[1]?.trim() ?? '']))
  }

  // promise: 23
  test('is nothing beyond its user: no capability, now or ever', async () => {
    const status = await statusOf()
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status.get(set)).toMatch(/^0+$/)
    expect(status.get('NoNewPrivs')).toBe('1')
    expect(status.get('Uid')).toBe('35001\t35001\t35001\t35001')
  })

  // promise: 23
  test(`is ${kept.join(', ')} at most when it asked to be root`, async () => {
    const status = await statusOf('root')
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(Number.parseInt(status.get(set) ?? '', 16)).toBe(bits)
    for (const set of ['CapInh', 'CapAmb']) expect(status.get(set)).toMatch(/^0+$/)
    expect(status.get('NoNewPrivs')).toBe('1')
  })

  // promise: 22
  test('is not to change the host’s kernel, as root neither', async () => {
    // Opened only: were it allowed, nothing is written.
    const script = ': >> /proc/sys/kernel/core_pattern'
    const result = await build({ user: 'root' }, ['sh', '-c', script], { reject: false })
    expect(result.exitCode).not.toBe(0)
    expect(result.stderr).toMatch(/Read-only file system|Permission denied/)
    await using session = await openSession({ user: 'root' })
    const { mounts } = await session.record()
    expect(mounts.find(({ on }) => on.endsWith('/proc'))?.flags).toContain('ro')
  })

  // promise: 22
  test('is not to change, make or mount anything in /dev, as root neither', async () => {
    const before = statSync('/dev/null').mode
    const script = 'chmod 600 /dev/null; chown 1 /dev/zero; rm -f /dev/full; mknod /tmp/sda b 8 0; mount -t tmpfs none /tmp; umount /proc; true'
    const { stderr } = await build({ user: 'root' }, ['sh', '-c', script])
    expect(stderr.trimEnd().split('\n').length).toBeGreaterThanOrEqual(5)
    expect(statSync('/dev/null').mode).toBe(before)
  })

  test.runIf(isRoot)('is with nothing of the host program, which init has not either: one socket, the end of its children and the lock of its session, and no other descriptor', async () => {
    await using session = await openSession({})
    const { root } = await session.record()
    const folder = root.replace(/root$/, 'fd')
    const open = readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`))
    expect(open).toEqual([expect.stringMatching(/^socket:/), 'anon_inode:[signalfd]', expect.stringMatching(/[.]journal$/)])
  })

  // promise: 32
  test('is not to end or stop what keeps its session', async () => {
    await using session = await openSession({})
    await session.run(['sh', '-c', 'kill -KILL 1; kill -STOP 1; kill -TERM 1'], { reject: false })
    expect((await session.run(['echo', 'still'])).stdout).toBe('still')
    await session.killAll()
    expect((await session.run(['echo', 'there'])).stdout).toBe('there')
  })

  // promise: 32
  test('is not to keep a session from closing by stopping whatever it can', async () => {
    const session = await openSession({})
    const stopper = session.run(['sh', '-c', 'while :; do kill -STOP -1; done'], { reject: false })
    const others = Array.from({ length: 8 }, () => session.run(['true'], { reject: false }).catch((error: unknown) => error))
    // Some rounds of the loop, against the others that begin meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 200))
    await session.close()
    expect(await stopper).toMatchObject({ signal: 'SIGKILL' })
    await Promise.all(others)
  })

  // promise: 43
  test('is at no priority that a share of processors does not hold, though the host program may have one', (context) => {
    const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
    const raised = ['prlimit', '--rtprio=5', '--nice=30', process.execPath, main, 'run', '--', 'cat', '/proc/self/limits']
    const { status, stdout, stderr } = spawnSync('/usr/bin/env', raised, { encoding: 'utf8' })
    if (/Operation not permitted/.test(stderr)) return context.skip('this process may not raise its limits (CAP_SYS_RESOURCE)')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^Max nice priority +0 +0 *$/m)
    expect(stdout).toMatch(/^Max realtime priority +0 +0 *$/m)
  })

  test.skipIf(isRoot)('is with groups only by grace of root: without, that is an error and nothing is run', async () => {
    const error = await openSession({ user: { uid: 35001, gid: 35001, groups: [35002] } }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'EPERM', syscall: 'setgroups', step: 'user' })
  })

  test.skipIf(isRoot)('is outside what the caller may do, whatever number it has inside', async () => {
    await using session = await openSession({ user: 'root' })
    expect((await session.run(['id', '-u'])).stdout).toBe('0')
    const { ids, process: command } = await session.record()
    expect(command).toMatchObject({ uid: 0, realUid: 0, savedUid: 0 })
    expect(ids).toEqual({ users: [{ inside: 0, outside: process.geteuid?.(), count: 1 }], groups: [{ inside: 0, outside: process.getegid?.(), count: 1 }] })
  })
})
