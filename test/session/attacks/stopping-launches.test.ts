import { expect, test } from 'vitest'

import { build, openSession, type Session, type Spec } from '../../../src/index.ts'
import { armed, attack, describeAttack, said } from './attack.ts'

const isGuest = process.env['BUILDJAIL_IN_GUEST'] !== undefined
/** More than there are threads in the host program that could be held up. */
const launches = 64
const rounds = isGuest ? 5 : 40
/** Far more than any of it takes, and less than for ever. */
const longestMs = isGuest ? 30_000 : 10_000

/** Rejects, by the name of what it was, with what has not settled by then. */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} was held up for ${longestMs} ms`)), longestMs)))
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** A session in which whatever is launched is stopped. `over` settles when all that was launched has ended. */
async function stoppingSession(user: Spec['user']): Promise<{ session: Session; over: Promise<unknown> }> {
  const session = await openSession(armed(user === undefined ? {} : { user }))
  const stopper = session.spawn(attack('dumper', 'stop'), { stdio: ['pipe', 'pipe', 'ignore'] })
  await said(stopper, 'ready')
  // How they end, if they do before their session, is not judged here.
  const launched = Array.from({ length: launches }, () => session.run(['sleep', '100'], { reject: false }).catch(() => {}))
  // It says so at the first one.
  await inTime('the attack', said(stopper, 'met'))
  return { session, over: Promise.all(launched) }
}

describeAttack('a build that stops every command as soon as it is there', () => {
  const users: readonly (readonly [string, Spec['user']])[] = [
    ['the build user', undefined],
    ['root', 'root'],
  ]

  // promise: 28
  test.each(users)('as %s: holds up no other session of the host program, nor the end of its own', { timeout: 110_000 }, async (_, user) => {
    const { session, over } = await stoppingSession(user)
    try {
      for (let round = 0; round < rounds; round++) {
        const other = await inTime('an opening', openSession({}))
        expect((await inTime('a command', other.run(['echo', 'there']))).stdout.trimEnd()).toBe('there')
        const late = other.run(['sleep', '100'], { timeout: 20, reject: false })
        expect((await inTime('a timeout', late)).timedOut).toBe(true)
        await inTime('a close', other.close())
        expect((await inTime('a build', build({}, ['true']))).exitCode).toBe(0)
      }
    } finally {
      await inTime('the close of its own session', session.close())
    }
    await inTime('the end of its commands', over)
  })
})
