import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'

import { build, openSession, type Spec } from '../../../src/index.ts'
import { isFreebsd } from '../kernel.ts'
import { buildjailRun, hostProgram as commandOn, Person } from '../person.ts'
import { answers, armed, attack, describeAttack, hostProgram, onHost, outputOf } from './attack.ts'

const users: readonly Spec['user'][] = [undefined, 'root']

// TIOCSTI puts characters into a terminal as if they were typed there: as the caller, to the caller's shell, once the build
// is over (ioctl_tty(2), tty(4)).
describeAttack('a build that is given the terminal of its caller as stdin', () => {
  // promise: 30
  test.each(users)('as %s types nothing into it', async (user) => {
    const program = hostProgram(armed(user === undefined ? {} : { user }), attack('terminal', 'type'), onHost('terminal', 'of'))
    const output = answers(await outputOf(program))
    expect(output).toMatchObject({ typed: '0', open: 'ok' })
    expect(Object.keys(output)).toHaveLength(6)
  })
})

describeAttack('the terminal of the caller', () => {
  const people: Person[] = []
  const person = (streams: string, command: readonly string[]): Person => {
    const made = new Person(streams, command)
    people.push(made)
    return made
  }
  afterEach(() => {
    for (const one of people.splice(0)) one.leave()
  })
  const inSession = (user: Spec['user'], ...command: string[]): string[] =>
    buildjailRun(...(user === 'root' ? ['--user', 'root'] : []), '--input', `probe=${armed().inputs?.['probe'] as string}`, '--', ...command)
  const script = (probe: string): string[] => ['sh', '-c', `echo up; read line; ${attack('terminal', probe).join(' ')}; echo tried; sleep 1`]

  // promise: 30
  test.each(users)('is not what a build as %s changes, which has all three descriptors', async (user) => {
    const one = person('012', inSession(user, ...script('change')))
    await one.sees('up')
    const before = await one.mode()
    one.type('\r')
    expect(await one.sees('tried')).toContain('silence: ok')
    expect(await one.mode()).toBe(before)
    expect((await one.ended()).mode).toBe(before.replace('keys silent raw', 'lines echo cooked'))
  })

  // promise: 30
  test.each(users)('is not read from by a build as %s that has it as stdout, nor is its echo turned off', async (user) => {
    const one = person('1', inSession(user, 'sh', '-c', `${attack('terminal', 'read').join(' ')}; echo tried; sleep 2`))
    const said = await one.sees('tried')
    one.type('a secret\r')
    expect(said).toMatch(/read: Bad file descriptor\r\nopen: (ENXIO|ENOENT)\r\n/)
    expect(await one.mode()).toMatch(/^lines echo cooked/)
    expect((await one.ended()).mode).toMatch(/^lines echo cooked/)
    expect(one.shown).toContain('a secret')
  })

  // promise: 30
  test('is not in the session, nor is any other', async () => {
    const words = ['sh', '-c', 'tty; ls -1 /dev/pts; read line']
    const one = person('012', commandOn('spawn', ...words))
    const other = person('012', commandOn('spawn', ...words))
    const lists: string[][] = []
    for (const each of [one, other]) {
      const listed = isFreebsd ? /\/dev\/pts\/\d+\r\n(\w+\r\n)+/ : /\/dev\/pts\/\d+\r\n(\w+\r\n)*ptmx\r\n/
      const [own, ...names] = (await each.sees(listed)).trim().split('\r\n')
      lists.push(names.map((name) => `/dev/pts/${name}`))
      expect(names.map((name) => `/dev/pts/${name}`).filter((name) => name !== own)).toEqual(isFreebsd ? [] : ['/dev/pts/ptmx'])
    }
    for (const each of [one, other]) each.type('\r')
    await Promise.all([one.ended(), other.ended()])
    const { stdout } = await build({}, ['sh', '-c', 'ls /dev/pts || true'])
    expect(stdout).toBe(isFreebsd ? '' : 'ptmx')
    if (isFreebsd) expect(lists[0]).not.toEqual(lists[1])
  })
})

describeAttack('a terminal that somebody else has made', () => {
  const held = async (stdout: Readable | null): Promise<string> => {
    if (stdout === null) throw new Error('stdout is no pipe')
    const [line] = (await once(stdout, 'data')) as [Buffer]
    return /held: (\S+)/.exec(String(line))?.[1] ?? ''
  }

  // promise: 48
  test.each(users)('is not opened by a build as %s, be it another session’s or the host’s', async (user) => {
    const spec = armed(user === undefined ? {} : { user })
    await using first = await openSession(spec)
    await using second = await openSession(spec)
    const [file = '', ...args] = onHost('terminal', 'hold')
    const host = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const holder = first.spawn(attack('terminal', 'hold'))
    try {
      const [own, hosts] = [await held(holder.stdout), await held(host.stdout)]
      expect([own, hosts]).toEqual([expect.stringMatching(/^\/dev\/pts\/\d+$/), expect.stringMatching(/^\/dev\/pts\/\d+$/)])
      // Who has made it finds it.
      expect(answers((await first.run(attack('terminal', 'others'))).stdout)).toEqual({ [own]: 'opened', count: '1' })
      expect(answers((await second.run(attack('terminal', 'others', own, hosts))).stdout)).toEqual({ count: '0' })
    } finally {
      holder.stdin?.end()
      host.stdin.end()
    }
  })
})
