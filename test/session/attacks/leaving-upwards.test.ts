import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { openSession, SessionPool, type Session } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, attack, describeAttack, refusalBeside, refusalOf, said } from './attack.ts'

describeAttack('a build whose working directory is moved away under it', () => {
  const folders = useFolders()

  const secretOfHost = (): string => {
    const secret = path.join(folders.top, 'secret')
    writeFileSync(secret, 'secret\n', { mode: 0o644 })
    return secret
  }

  /** A folder in the output with one in it that whoever writes to the output may move. */
  const movable = (): string => {
    const inner = path.join(folders.output, 'inner')
    const deep = path.join(inner, 'deep')
    mkdirSync(deep, { recursive: true })
    for (const folder of [inner, deep]) chmodSync(folder, 0o777)
    return inner
  }

  /** What it comes to by `..`, after `move`. */
  const climb = async (session: Session, from: string, secret: string, move: () => unknown): Promise<string> => {
    const climber = session.spawn(attack('climb', from, secret))
    await said(climber, 'standing')
    await move()
    climber.stdin?.end()
    if (climber.stdout === null) throw new Error('no stdout')
    return text(climber.stdout)
  }

  // FreeBSD's nullfs(5) follows a directory to where it was moved: docs/security.md says so.
  test.skipIf(isFreebsd)('out of the output, on the host: does not get to the host by ..', async () => {
    const secret = secretOfHost()
    const deep = path.join(folders.output, 'deep')
    mkdirSync(deep)
    await using session = await openSession(armed({ output: folders.output }))
    const move = (): void => renameSync(deep, path.join(folders.top, 'deep'))
    expect(await climb(session, '/output/deep', secret, move)).toBe('out of reach\n')
  })

  // promise: 5
  test('within the output, by itself: does not get to the host by ..', async () => {
    const secret = secretOfHost()
    await using session = await openSession(armed({ output: folders.output }))
    await session.run(['mkdir', '-p', '/output/a/b'])
    const move = (): Promise<unknown> => session.run(['mv', '/output/a/b', '/output/b'])
    expect(await climb(session, '/output/a/b', secret, move)).toBe('out of reach\n')
  })

  // Of two folders one in the other, the outer one writable: what the inner shows can be moved out of it by a build.
  // promise: 5
  test('out of an input, by another mount of the same session: does not get to the host by ..', async () => {
    const inner = movable()
    const spec = armed({ inputs: { src: inner }, output: folders.output, user: 'root' })
    expect(await refusalOf(spec)).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', entry: 'output', path: folders.output })
  })

  // promise: 5
  test('out of an input, by another session: does not get to the host by ..', async () => {
    const inner = movable()
    const specs = [armed({ inputs: { src: inner } }), armed({ output: folders.output, user: 'root' })]
    // Whichever is there first.
    for (const [first = {}, second = {}] of [specs, specs.toReversed()]) {
      const [ours, dest] = first === specs[0] ? [folders.output, inner] : [inner, folders.output]
      expect(await refusalBeside(first, second)).toMatchObject({ code: 'EBUSY', step: 'nested-sources', path: ours, dest })
    }
  })

  test('out of an input that a pool had ready, by what another adds to it: is refused as well', async () => {
    const inner = path.join(folders.output, 'inner')
    mkdirSync(inner)
    await using pool = await SessionPool.open({ inputs: { src: inner } }, { size: 1 })
    await expect(pool.acquire({ output: folders.output })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE' })
    await using other = await SessionPool.open({}, { size: 1 })
    await expect(other.acquire({ output: folders.output })).rejects.toMatchObject({ code: 'EBUSY', step: 'nested-sources', dest: inner })
  })
})
