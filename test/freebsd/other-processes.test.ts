import { spawn, spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { answers, armed, attack, onHost } from '../session/attacks/attack.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip
const builder = { uid: 35001, gid: 35001 }

const said = (file: string, ...args: string[]): string => spawnSync(file, args, { encoding: 'utf8' }).stdout.trim()
const threadOf = (pid: number): string => said('ps', '-H', '-o', 'lwp=', '-p', String(pid)).split('\n')[0]?.trim() ?? ''
/** What of a process the attempts would change. */
const stateOf = (pid: number): string => [said('ps', '-o', 'nice=,rtprio=,pgid=,tracer=', '-p', String(pid)), said('cpuset', '-g', '-p', String(pid)), said('procstat', '-l', String(pid))].join('\n')

describeProbed('a call that names a process by its number', () => {
  const victimOf = (ids: { uid: number; gid: number } | undefined): number => {
    const victim = spawn('sleep', ['1000'], { stdio: 'ignore', cwd: '/', detached: true, ...ids })
    onTestFinished(() => void victim.kill('SIGKILL'))
    return victim.pid ?? 0
  }

  const users = [builder, 'root'] as const
  // promise: 25
  test.each(users)('neither reaches nor tells of processes of the host and of other sessions, be they of the same user (%o)', async (user) => {
    const ids = user === 'root' ? undefined : builder
    // A process of the same jail as the caller can be reached by most of them.
    const pid = victimOf(ids)
    const [file = '', ...words] = onHost('others', String(pid), threadOf(pid))
    const onTheHost = answers(spawnSync(file, words, { encoding: 'utf8', ...ids }).stdout)
    const possible = Object.values(onTheHost).filter((answer) => answer === 'ok').length
    expect([Object.keys(onTheHost).length > 45, possible > 30]).toEqual([true, true])

    await using other = await openSession({ user })
    const neighbour = other.spawn(['sleep', '1000'], { stdio: 'ignore' })
    await expect.poll(() => neighbour.pid).toBeDefined()
    await using session = await openSession(armed({ user }))
    for (const victim of [victimOf(ids), neighbour.pid ?? 0]) {
      const before = stateOf(victim)
      const outcome = answers((await session.run(attack('others', String(victim), threadOf(victim)))).stdout)
      expect(Object.keys(outcome)).toEqual(Object.keys(onTheHost))
      expect(Object.entries(outcome).filter(([, answer]) => answer === 'ok')).toEqual([])
      expect(stateOf(victim)).toBe(before)
    }
  })
})
