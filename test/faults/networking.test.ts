import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { openSession, type Session } from '../../src/index.ts'
import { armed, attack, describeAttack } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { faults } from './controls.ts'
import { errnoOf } from './errnos.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { stride } from './stride.ts'
import { metBy, walk, type Case } from './walk.ts'

/** Enough for more than one way of moving bytes. */
const much = 2_000_000

interface Ended {
  /** The build's own words about its connection. */
  readonly said: string
  readonly outcomes: readonly string[]
}

describeAttack('when a system call of the thread of the networks of names fails', () => {
  const folders = useFolders()
  let cases = 0
  let echo: Server
  beforeAll(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
  })
  afterAll(() => {
    echo.close()
    console.log(`networking: ${cases} cases`)
  })

  test('a connection is whole, or the build and the host program are told; the next one is whole, and nothing is left', async () => {
    const port = String((echo.address() as AddressInfo).port)
    const talk = async (session: Session): Promise<string> => (await session.run(attack('names', 'talk', 'host', port, String(much)))).stdout
    const whole = `host ${port}: ${much} bytes`
    const open = () => openSession({ ...armed({ network: { allow: [`host:${port}`] } }), output: folders.output })

    /** A command connects, and the session closes, with a fault armed. */
    const played = async (session: Session, act: () => Promise<string>): Promise<Ended> => {
      const outcomes: string[] = []
      session.on('connection', ({ outcome }) => outcomes.push(outcome))
      const said = await act()
      await session.close()
      return { said, outcomes }
    }
    const count = async (): Promise<readonly string[]> => {
      const session = await open()
      faults().arm({ action: 'count', thread: 'networks' })
      const ended = await played(session, () => talk(session))
      const { calls } = faults().disarm()
      expect(ended).toEqual({ said: whole, outcomes: ['closed'] })
      return calls
    }
    await count()
    const before = await lookWhenSettled(folders.output)
    const calls = await count()

    const seen = new Set<string>()
    let told = 0
    const play = async ({ nth, errno }: Case): Promise<string[]> => {
      const session = await open()
      faults().arm({ action: 'fail', nth, errno: errnoOf(errno), thread: 'networks' })
      let next = ''
      const { said, outcomes } = await played(session, async () => {
        const first = await talk(session)
        next = await talk(session)
        return first
      })
      const met = metBy(faults().disarm(), nth, errno)
      if (met !== undefined) seen.add(met.call)
      // How many calls come before is the machine's affair: that fault may have met the second connection.
      const broken = [said, next].filter((one) => one !== whole)
      const wrong = broken.length > 1 ? [`the second connection too: ${broken.join(', ')}`] : []
      const isTold = outcomes.filter((one) => one !== 'closed').length >= broken.length
      if (broken.length > 0) told += 1
      if (broken.length > 0 && !isTold && !broken[0]?.endsWith(': none')) wrong.push(`${broken[0]}, and the host program is told ${outcomes.join(', ')}`)
      return [...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(calls).toEqual(expect.arrayContaining(['poll', 'accept4', 'socket', 'connect', 'recv', 'send', 'recvfrom', 'sendto', 'setsockopt', 'shutdown', 'close', 'read']))
    // The kernel may refuse to connect, for one.
    expect(told).toBeGreaterThan(10 / stride)
    if (stride === 1) expect([...new Set(calls)].filter((call) => !seen.has(call))).toEqual([])
  })
})
