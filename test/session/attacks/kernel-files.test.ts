import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { build, openSession, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { answers, armed, attack, describeAttack, said } from './attack.ts'

/** Files that a build may open for writing, each with why that changes nothing of the host's nor of another session's. */
const harmless: readonly (readonly [file: RegExp, why: string])[] = [
  [/^\/proc\/sys\/kernel\/ns_last_pid$/, 'of the session’s own processes, and a write needs CAP_CHECKPOINT_RESTORE, which no build has'],
]

/** The same, of the processes of the build itself. What it may do to those is its own affair. */
const ofOwnProcesses: readonly (readonly [name: string, why: string])[] = [
  ['mem', 'memory of the process'],
  ['clear_refs', 'marks on its pages'],
  ['comm', 'its name'],
  ['sched', 'figures about it, which a write resets'],
  ['latency', 'the same'],
  ['autogroup', 'its share among other process groups of the host: less is free, more needs CAP_SYS_NICE'],
  ['timens_offsets', 'clocks of a namespace that it has made'],
  ['attr/.*', 'its label of a security module, by that module’s rules'],
  ['oom_adj', 'the kernel takes no value below that which the session began with'],
  ['oom_score_adj', 'the same'],
  ['loginuid', 'an id of the session’s own, which the log of the kernel names beside its processes'],
  ['coredump_filter', 'what is in its core, which has no bytes'],
  ['(uid|gid|projid)_map', 'ids of a namespace that it has made'],
  ['setgroups', 'the same'],
  ['timerslack_ns', 'how late its timers may be'],
  ['(make-it-fail|fail-nth)', 'faults of its own system calls, in kernels for tests'],
]

const isHarmless = (file: string): boolean =>
  harmless.some(([pattern]) => pattern.test(file)) ||
  ofOwnProcesses.some(([name]) => new RegExp(`^/proc/NUMBER(/task/NUMBER)?/${name}$`).test(file))

if (isFreebsd) console.warn('skipped: a jail has no /proc and no /sys')
const hasPressure = existsSync('/proc/pressure/cpu')
if (!isFreebsd && !hasPressure) console.warn('skipped: this kernel has no /proc/pressure')

describeAttack('what a build can write of the kernel’s files', () => {
  const folders = useFolders()
  const networks: readonly Spec[] = [{}, { network: 'loopback' }, { network: 'host' }]

  // promise: 22
  test.skipIf(isFreebsd).each(networks)('is of its own processes, and nothing at all if it is root (%j)', async (spec) => {
    for (const user of [undefined, 'root' as const]) {
      const { stdout } = await build(armed(user === undefined ? spec : { ...spec, user }), attack('kernel_files'))
      const files = stdout.trimEnd().split('\n')
      expect(Number(files.pop()?.replace('tried: ', ''))).toBeGreaterThan(500)
      if (user === 'root') expect(files).toEqual([])
      else expect(files).toContain('/proc/NUMBER/mem')
      expect(files.filter((file) => !isHarmless(file))).toEqual([])
    }
  })

  // promise: 22
  test.skipIf(isFreebsd)('is not the number of its next process', async () => {
    const script = 'echo 1000 >/proc/sys/kernel/ns_last_pid; sh -c "echo \\$\\$"'
    const { stdout } = await build({}, ['sh', '-c', script], { reject: false })
    expect(Number(stdout)).toBeLessThan(100)
  })

  // The kernel takes milliseconds to end one such watch, and a process with a thousand of them ended after ten seconds.
  // promise: 12, 18
  test.skipIf(isFreebsd || !hasPressure).each([undefined, 'root'] as const)('is no watch of the host’s load, with which it would hold up its end (user %s)', async (user) => {
    const spec = armed({ output: folders.output, ...(user === undefined ? {} : { user }) })
    const session = await openSession(spec)
    const child = session.spawn(attack('kernel_files', 'stalls', '1000'), { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = child.stdout === null ? Promise.reject(new Error('stdout is no pipe')) : text(child.stdout)
    await said(child, 'why: ')
    await session.close()
    expect(answers(await output)).toEqual({ made: '0', why: 'ENOENT' })
    expect((await build(spec, ['ls', '/proc/pressure'])).stdout).toBe('')
  })
})
