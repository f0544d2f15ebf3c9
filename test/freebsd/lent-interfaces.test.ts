import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'

import { openSession, recover, type Session } from '../../src/index.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const ifconfig = (...args: string[]): string => execFileSync('/sbin/ifconfig', args, { encoding: 'utf8' }).trim()
/** With the number of each, which tells it whatever its name is. */
const interfaces = (): string[] => ifconfig('-l').split(' ').sort()

/** What root of a session does to the interface that it was lent, `NAME`, and what is then in its network. */
const tricks: readonly (readonly [what: string, commands: readonly string[], inside: readonly string[]])[] = [
  ['another name', ['NAME name mine0'], ['lo0', 'mine0']],
  ['the name of another interface of the host’s', ['lo0 name lo7', 'NAME name lo0'], ['lo0', 'lo7']],
  ['another name, and its own to an interface that the build made', ['NAME name mine0', 'lo create name NAME'], ['NAME', 'lo0', 'mine0']],
  ['another name, and its own to an interface with several addresses', ['NAME name zz0', 'lo0 name NAME', 'NAME inet6 fd00::1/64 alias', 'NAME inet 192.0.2.7/24 alias'], ['NAME', 'zz0']],
]

describeFreebsd('an interface that is lent to a build that is root', () => {
  const folders = useFolders()
  const programs = usePrograms()
  const made: string[] = []
  const epair = (): string => {
    const name = ifconfig('epair', 'create')
    made.push(name)
    return name.replace(/a$/, 'b')
  }
  const spec = (name: string) => ({ network: { vnet: name }, user: 'root', toolchain: ['host', '/sbin'] }) as const
  const inside = async (session: Session, words: string): Promise<string> => (await session.run(['/sbin/ifconfig', ...words.split(' ')])).stdout
  afterEach(() => {
    for (const name of made.splice(0)) ifconfig(name, 'destroy')
  })

  // The kernel moves an interface back by its name, and looks at neither whose that is nor whether the host has it.
  // promise: 34
  test.each(tricks)('which gives it %s, comes back as it was, and nothing else does', async (_, commands, expected) => {
    const state = await hostState()
    const name = epair()
    const before = interfaces()
    const ether = ifconfig(name, 'ether')
    const session = await openSession(spec(name))
    expect(interfaces()).toEqual(before.filter((one) => one !== name))
    const named = (text: string): string => text.replaceAll('NAME', name)
    for (const words of commands) await inside(session, named(words))
    expect((await inside(session, '-l')).split(' ').sort()).toEqual(expected.map(named).sort())
    await session.close()
    await expectSameState(state)
    expect(interfaces()).toEqual(before)
    expect(ifconfig(name, 'ether').match(/ether .*/)?.[0]).toBe(ether.match(/ether .*/)?.[0])
    expect(ifconfig('lo0')).toContain('127.0.0.1')
  })

  // promise: 34
  test('goes to no other jail and not back before the session does, however the build asks for it', async () => {
    await using other = await openSession({ network: 'loopback' })
    const name = epair()
    const before = interfaces()
    await using session = await openSession(spec(name))
    const jid = String((await other.record()).jail?.['jid'])
    for (const words of [`vnet ${jid}`, 'vnet 0', `-vnet ${jid}`, '-vnet 0']) {
      const { exitCode } = await session.run(['/sbin/ifconfig', name, ...words.split(' ')], { reject: false })
      expect([words, exitCode]).toEqual([words, 1])
    }
    expect((await inside(session, '-l')).split(' ').sort()).toEqual([name, 'lo0'].sort())
    expect(interfaces()).toEqual(before.filter((one) => one !== name))
  })

  // Not to be helped: the kernel gives it back, with the network (docs/security.md).
  test('has the name that the build gave it after the host program was killed', async () => {
    const name = epair()
    const program = await programs.start(path.resolve(folders.output), spec(name))
    const { jail = {} } = program.record
    execFileSync('jexec', [String(jail['jid']), '/sbin/ifconfig', name, 'name', 'mine0'])
    await program.killUnwatched()
    await recover()
    await expect.poll(interfaces, { timeout: 20_000 }).toContain('mine0')
    ifconfig('mine0', 'name', name)
  })
})
