import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { openSession, SessionPool, type Session } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, attack, describeAttack, refusalOf, said } from './attack.ts'

describeAttack('a build whose working directory is moved away under it', () => {
  const folders = useFolders()

  const secretOfHost = (): string => {
    const secret = path.join(folders.top, 'secret')
    writeFileSync(secret, 'secret\n', { mode: 0o644 })
    return secret
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

  test('within the output, by itself: does not get to the host by ..', async () => {
    const secret = secretOfHost()
    await using session = await openSession(armed({ output: folders.output }))
    await session.run(['mkdir', '-p', '/output/a/b'])
    const move = (): Promise<unknown> => session.run(['mv', '/output/a/b', '/output/b'])
    expect(await climb(session, '/output/a/b', secret, move)).toBe('out of reach\n')
  })

  // Of two folders one in the other, the outer one writable: what the inner shows can be moved out of it by a build.
  test('out of an input, by another mount of the same session: does not get to the host by ..', async () => {
    const secret = secretOfHost()
    const inner = path.join(folders.output, 'inner')
    mkdirSync(path.join(inner, 'deep'), { recursive: true })
    const spec = armed({ inputs: { src: inner }, output: folders.output, user: 'root' })
    if (isFreebsd) {
      expect(await refusalOf(spec)).toMatchObject({ code: 'EBUSY', step: 'nested-sources', path: inner, dest: folders.output })
      return
    }
    await using session = await openSession(spec)
    const move = (): Promise<unknown> => session.run(['mv', '/output/inner/deep', '/output/deep'])
    expect(await climb(session, '/inputs/src/deep', secret, move)).toBe('out of reach\n')
  })

  test('out of an input, by another session: does not get to the host by ..', async () => {
    const secret = secretOfHost()
    const inner = path.join(folders.output, 'inner')
    mkdirSync(path.join(inner, 'deep'), { recursive: true })
    const specs = [armed({ inputs: { src: inner } }), armed({ output: folders.output, user: 'root' })]
    // Whichever is there first.
    for (const [first = {}, second = {}] of [specs, specs.toReversed()]) {
      await using one = await openSession(first)
      if (isFreebsd) {
        expect(await refusalOf(second)).toMatchObject({ code: 'EBUSY', step: 'nested-sources', path: inner, dest: folders.output })
        continue
      }
      await using other = await openSession(second)
      const [reader, writer] = first === specs[0] ? [one, other] : [other, one]
      const move = (): Promise<unknown> => writer.run(['mv', '/output/inner/deep', '/output/deep'])
      expect(await climb(reader, '/inputs/src/deep', secret, move)).toBe('out of reach\n')
      await writer.run(['mv', '/output/deep', '/output/inner/deep'])
    }
  })

  test.runIf(isFreebsd)('out of an input that a pool had ready, by what is added to it: is refused as well', async () => {
    const inner = path.join(folders.output, 'inner')
    mkdirSync(inner)
    await using pool = await SessionPool.open({ inputs: { src: inner } }, { size: 1 })
    const refusal = { code: 'EBUSY', step: 'nested-sources', path: inner, dest: folders.output }
    await expect(pool.acquire({ output: folders.output })).rejects.toMatchObject(refusal)
  })
})
