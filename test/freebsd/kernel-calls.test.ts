import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { build, openSession, type Spec } from '../../src/index.ts'
import { answers, armed, attack } from '../session/attacks/attack.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

/** What of the host a granted call would have changed. */
function host(): string[] {
  const said = (command: string, ...args: string[]): string => spawnSync(command, args, { encoding: 'utf8' }).stdout
  return [
    said('kenv', '-q', 'buildjail.planted'),
    said('sysctl', 'kern.securelevel', 'kern.hostname', 'kern.dumpdevname'),
    said('ifconfig', '-l'),
    said('ifconfig', 'lo0'),
    said('cpuset', '-g', '-s', '1'),
    said('ls', '/dev'),
  ]
}

describeProbed('calls to the kernel, its devices, processors, interfaces and jails', () => {
  const users: readonly Spec['user'][] = [undefined, 'root']

  // promise: 22
  test.each(users)('are refused to a build as %s, each of them', async (user) => {
    await using other = await openSession({ name: 'neighbour' })
    const before = host()
    const spec = armed(user === undefined ? {} : { user })
    const told = [await build(spec, attack('beyond')), await build(spec, attack('privileged'))].map(({ stdout }) => answers(stdout))
    expect(told.map((one, index) => Object.keys(one).length > [40, 17][index]!)).toEqual([true, true])
    const outcome = { ...told[0], ...told[1] }
    expect(Object.entries(outcome).filter(([, answer]) => answer === 'ok')).toEqual([])
    expect(host()).toEqual(before)
    expect((await other.run(['echo', 'there'])).stdout).toBe('there')
  })

  // promise: 18
  test.each(users)('that let a child outlive its parent and its descriptor (pdfork, as %s) let none outlive its session', async (user) => {
    const session = await openSession(armed(user === undefined ? {} : { user }))
    const { stdout } = await session.run(attack('beyond', 'daemon'))
    const alive = (): number => spawnSync('ps', ['-p', stdout, '-o', 'pid='], { encoding: 'utf8' }).stdout.trim().length
    expect(alive()).toBeGreaterThan(0)
    await session.close()
    expect(alive()).toBe(0)
  })
})
