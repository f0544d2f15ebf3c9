import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'

import { openSession, type Limits } from '../../src/index.ts'
import { armed, attack } from '../session/attacks/attack.ts'
import { describeFreebsd } from './guest.ts'

// Its output is null where there is no such program, as for an ordinary user of another system.
const isCounting = String(spawnSync('sysctl', ['-n', 'kern.racct.enable'], { encoding: 'utf8' }).stdout).trim() === '1'
if (!isCounting) console.warn('skipped: what is told of limits that rctl(8) holds, as kern.racct.enable is 0 here')

const describeCounted = isCounting ? describeFreebsd : describe.skip

describeCounted('a command that meets a limit of rctl(8)', () => {
  test.each<readonly [string, Limits, readonly [string, ...string[]]]>([
    ['memory', { memory: '96M' }, attack('greedy', 'memory')],
    ['swap', { memory: '96M', swap: 0 }, attack('greedy', 'reserved')],
    ['processes', { processes: 16 }, attack('greedy', 'forks', '40')],
    ['processes', { processes: 16 }, attack('greedy', 'threads', '40')],
  ])('is told to have ended by %s (%o)', { timeout: 120_000 }, async (limit, limits, command) => {
    const session = await openSession(armed({ limits }))
    expect(await session.run(command, { reject: false })).toMatchObject({ limit })
    // What failed for another reason is not told to have met it again.
    expect(await session.run(['false'], { reject: false })).toMatchObject({ exitCode: 1, limit: undefined })
    await session.close()
  })

  test('and a neighbour that fails meanwhile is not', { timeout: 120_000 }, async () => {
    await using session = await openSession(armed({ limits: { processes: 16 } }))
    await using neighbour = await openSession({ limits: { processes: 16 } })
    const greedy = session.run(attack('greedy', 'forks', '20'), { reject: false })
    expect(await neighbour.run(['false'], { reject: false })).toMatchObject({ limit: undefined })
    expect(await greedy).toMatchObject({ limit: 'processes' })
    expect(await neighbour.run(['false'], { reject: false })).toMatchObject({ limit: undefined })
  })
})
