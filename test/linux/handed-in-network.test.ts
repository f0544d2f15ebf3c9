import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'

import { build, openSession, planOf } from '../../src/index.ts'
import { answers, armed, attack, describeAttack } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { rejected } from '../session/rejected.ts'
import { probe } from '../probe/compiled-probe.ts'
import { isRoot, namespaceOf } from './host.ts'

const port = '7656'
const program = `${'folder' in probe ? probe.folder : ''}/network`
const describeHere: typeof describe.skip = process.platform === 'linux' ? describeAttack : describe.skip

describeHere('a network namespace that is handed in', () => {
  const folders = useFolders()
  const others: ChildProcess[] = []
  afterEach(() => {
    for (const other of others.splice(0)) other.kill('SIGKILL')
  })

  /** A network of somebody else's, in which something listens on the loopback. */
  async function network(): Promise<string> {
    const child = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up || exit 1; exec "$@"', 'sh', program, 'listen', port], { stdio: ['pipe', 'pipe', 'inherit'] })
    others.push(child)
    let said = ''
    while (!said.includes('ready')) said += String((await once(child.stdout, 'data'))[0])
    return `/proc/${child.pid}/ns/net`
  }

  test.runIf(isRoot)('is the session’s network, and stays when that is closed', async () => {
    const before = await hostState()
    const file = await network()
    const session = await openSession(armed({ network: { namespace: file } }))
    const pid = path.basename(path.dirname(path.dirname(file)))
    expect((await session.record()).namespaces?.['net']).toBe(namespaceOf(pid, 'net'))
    expect(answers((await session.run(attack('network', 'reach', port))).stdout)).toEqual({ inet: 'ok', inet6: 'ok' })
    await session.close()
    expect(answers((await build(armed({ network: { namespace: file } }), attack('network', 'reach', port))).stdout)).toEqual({ inet: 'ok', inet6: 'ok' })
    await expectSameState(before)
  })

  test.runIf(isRoot)('is nothing that a build can change, as root neither', async () => {
    const file = await network()
    for (const user of [{ uid: 4711, gid: 4711 }, 'root'] as const) {
      const { stdout } = await build(armed({ network: { namespace: file }, user }), attack('network', 'change', 'lo'))
      for (const answer of Object.values(answers(stdout))) expect(['EPERM', 'EACCES', 'EAFNOSUPPORT']).toContain(answer)
    }
  })

  test.runIf(isRoot)('goes on to no other session, though its output is the same', async () => {
    const file = await network()
    await build(armed({ network: { namespace: file }, output: folders.output }), attack('network', 'reach', port))
    const alone = await build(armed({ network: 'loopback', output: folders.output }), attack('network', 'reach', port))
    expect(answers(alone.stdout)).toEqual({ inet: 'ECONNREFUSED', inet6: 'ECONNREFUSED' })
    const none = await build(armed({ output: folders.output }), attack('network', 'interfaces'))
    expect(none.stdout).toBe('')
  })

  test.runIf(isRoot).each([
    ['is of another kind', '/proc/self/ns/mnt', 'EINVAL'],
    ['is no namespace', '/etc/passwd', 'EINVAL'],
    ['is a device', '/dev/tty', 'EINVAL'],
    ['is not there', '/no/such/network', 'ENOENT'],
  ])('that %s is an error that names it, and leaves nothing', async (_, namespace, code) => {
    const before = await hostState()
    expect(await rejected(openSession({ network: { namespace } }))).toMatchObject({ code, step: 'network', path: namespace })
    await expectSameState(before)
  })

  test.runIf(isRoot)('is looked at without opening what it is: who would wait for the other end of a fifo does not', async () => {
    const fifo = path.join(folders.top, 'fifo')
    await once(spawn('mkfifo', [fifo]), 'exit')
    expect(await rejected(openSession({ network: { namespace: fifo } }))).toMatchObject({ code: 'EINVAL' })
  })

  test.skipIf(isRoot)('is for root to hand in: anybody else is told so', async () => {
    expect(await rejected(openSession({ network: { namespace: '/proc/self/ns/net' } }))).toMatchObject({ code: 'EPERM', step: 'network' })
  })

  test('is refused in a plan for FreeBSD, as an interface is here', () => {
    expect(() => planOf({ network: { namespace: '/run/netns/x' } }, { platform: 'freebsd' })).toThrow('network.namespace: only Linux')
    expect(() => planOf({ network: { vnet: 'epair0b' } })).toThrow('network.vnet: only FreeBSD')
  })
})
