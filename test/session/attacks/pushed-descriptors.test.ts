import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'

import { build, openSession, type BuildProcess } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { hostState, type HostState } from '../host-state.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, attack, describeAttack } from './attack.ts'

// Under Bun on FreeBSD the output of a command is a socket, over which descriptors can be sent; elsewhere a pipe.
const isSocket = isFreebsd && 'Bun' in globalThis

// Longer than closing waits for what is busy.
const longestBusyMs = 20_000

/** Within a moment: once a descriptor was open just then that nobody knew. What a build had sent would stay open. */
async function expectAsBefore(before: HostState): Promise<void> {
  await expect.poll(hostState, { timeout: 5000 }).toEqual(before)
}

function busyUntil(isSo: () => boolean): void {
  const until = Date.now() + longestBusyMs
  while (!isSo() && Date.now() < until) continue
  expect(isSo()).toBe(true)
}

describeAttack('what a build sends over its output, and nobody has read', () => {
  const folders = useFolders()
  // The first has descriptors that stay: of the waiter, and of the one who watches.
  beforeAll(() => build({}, ['true']))

  /** Until it has been sent, and not to its end: what has ended is read. */
  async function sent(child: BuildProcess): Promise<void> {
    if (child.stderr === null) throw new Error('no stderr')
    await once(child.stderr, 'data')
  }

  // promise: 11
  test.runIf(isSocket).each([
    ['a folder it writes to', ['/output']],
    ['an input and a program', ['/inputs/probe', '/bin/sh']],
    ['its root, /dev and /tmp', ['/', '/dev', '/tmp']],
    ['a device', ['/dev/null']],
  ])('descriptors of %s: the session closes all the same, and leaves nothing', async (_, paths) => {
    const before = await hostState()
    const session = await openSession(armed({ output: folders.output }))
    const push = `${attack('pass_directory', 'push', ...paths).join(' ')} && echo sent >&2 && exec sleep 1000`
    const child = session.spawn(['sh', '-c', push])
    await sent(child)
    const closed = once(child, 'close')
    await session.close()
    await closed
    await expectAsBefore(before)
  })

  // What arrives is else read, and with that dropped, sooner than a session can be closed.
  // promise: 11
  test.runIf(isSocket)('descriptors of a folder it writes to: also while this thread is busy and reads nothing', async () => {
    const before = await hostState()
    const session = await openSession(armed({ output: folders.output }))
    const { root } = await session.record()
    const push = `${attack('pass_directory', 'push', '/output').join(' ')} && touch /output/sent && exec sleep 1000`
    const child = session.spawn(['sh', '-c', push])
    const closed = once(child, 'close')
    busyUntil(() => existsSync(path.join(folders.output, 'sent')))
    const closing = session.close()
    // By then native code closes it; nothing is read between promises.
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    busyUntil(() => !existsSync(root))
    await closing
    await closed
    await expectAsBefore(before)
  })

  test('text: it is there still for who begins to read when the session was closed over it', async () => {
    const session = await openSession({})
    const child = session.spawn(['sh', '-c', 'echo unread; echo sent >&2; exec sleep 1000'])
    const { stdout } = child
    if (stdout === null) throw new Error('no stdout')
    await sent(child)
    // Later it is read by nobody, as with ChildProcess.
    const read = once(child, 'exit').then(() => text(stdout))
    await session.close()
    expect(await read).toBe('unread\n')
  })
})
