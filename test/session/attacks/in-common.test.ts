import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { answers, armed, attack, describeAttack, hostProgram, isRoot, said } from './attack.ts'

const users: readonly Spec['user'][] = [undefined, 'root']
const asUser = (user: Spec['user']): Spec => (user === undefined ? {} : { user })

;(process.platform === 'linux' ? describeAttack : describe.skip)('what a build has in common with processes that are not its own', () => {
  const folders = useFolders()
  let victim: ChildProcess | undefined
  afterEach(() => victim?.kill('SIGKILL'))

  // Node's pipes to a child are pairs of sockets, so a build that inherits one knows who is at the other end (unix(7), SO_PEERPIDFD).
  // promise: 25
  test.for(users)('a socket of its caller as stdout gives a build as %s neither a descriptor nor a signal to whoever reads there', async (user, context) => {
    const program = hostProgram(armed(asUser(user)), attack('common', 'peers'), [], { stdio: ['ignore', 'pipe', 'inherit'] })
    if (program.stdout === null) throw new Error('no stdout')
    const tried = answers(await text(program.stdout))
    context.skip(tried['met'] === undefined, 'this kernel does not tell who is at the other end (Linux 6.5)')
    expect(tried).toMatchObject({ met: 'ok', 'a descriptor': 'EPERM' })
    expect(tried['signal']).toMatch(/^(EINVAL|EPERM)$/)
  })

  // promise: 25
  test.each(users)('its user gives a build as %s no say in when processes of the same user run', async (user) => {
    const builder = { uid: 35001, gid: 35001 }
    victim = spawn('sleep', ['1000'], { stdio: 'ignore', cwd: '/', ...(isRoot && user === undefined ? builder : {}) })
    await once(victim, 'spawn')
    const before = os.getPriority(victim.pid)
    await using session = await openSession(armed({ user: user ?? builder }))
    const build = session.spawn(attack('common', 'user'), { stdio: ['pipe', 'pipe', 'ignore'] })
    await said(build, 'ioprio: ok')
    expect([os.getPriority(victim.pid), os.getPriority()]).toEqual([before, os.getPriority()])
    expect(before).toBeLessThan(19)
  })

  const nobodys = ['a descriptor', 'memory', 'trace', 'compare', 'move', 'limits'] as const
  const roots = ['priority', 'policy', 'ioprio'] as const
  // promise: 32
  test.each(users)('its init is nobody whom a build as %s reads, traces, moves or limits, and for root’s sessions nobody whom it slows down', async (user) => {
    await using session = await openSession(armed(asUser(user)))
    const tried = answers((await session.run(attack('common', 'init'))).stdout)
    expect(tried).toMatchObject(Object.fromEntries(nobodys.map((attempt) => [attempt, 'EPERM'])))
    expect(tried['root']).toMatch(/^(ENOENT|EACCES)$/)
    if (isRoot) expect(tried).toMatchObject(Object.fromEntries(roots.map((attempt) => [attempt, 'EPERM'])))
    // Without root, init is the caller's, as the build is, which then has what it did to it. It is closed all the same.
  })

  // The network of the host has one place for names of sockets.
  // promise: 6, 16
  test.each(users)('descriptors of an output that a build as %s gave another, which goes on, lead to nothing around it, and let root’s make and remove nothing', async (user) => {
    writeFileSync(path.join(folders.top, 'secret'), 'secret')
    chmodSync(path.join(folders.top, 'secret'), 0o644)
    const common: Spec = armed({ network: 'host', ...asUser(user) })
    const name = `buildjail-test-${process.pid}-${user ?? 'build'}`
    await using taker = await openSession(common)
    const taking = taker.spawn(attack('common', 'take', name), { stdio: ['pipe', 'pipe', 'ignore'] })
    await said(taking, 'listening')
    const giver = await openSession({ ...common, output: folders.output })
    const sent = said(taking, 'taken')
    expect((await giver.run(attack('common', 'give', name))).stdout.trimEnd()).toBe('ok')
    await sent
    await giver.close()
    const rest = taking.stdout === null ? Promise.resolve('') : text(taking.stdout)
    taking.stdin?.end()
    const tried = answers(await rest)
    expect(tried).toMatchObject({ 'above the output': 'ENOENT', 'above a folder': 'ENOENT' })
    if (!isRoot) return
    expect([tried['new file'], tried['removal'], tried['mode']].filter((answer) => answer === 'ok')).toEqual([])
    expect(readdirSync(folders.output).toSorted()).toEqual(['file', 'folder'])
    expect(statSync(path.join(folders.output, 'file')).mode & 0o777).toBe(0o644)
    expect(readFileSync(path.join(folders.output, 'file'), 'utf8')).toBe('')
  })
})
