import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'

import { openSession, preflight, type Session, type Spec } from '../../src/index.ts'
import { armed, attack, describeAttack, isRoot } from '../session/attacks/attack.ts'

const setting = '/proc/sys/fs/suid_dumpable'
const isLinux = process.platform === 'linux'
const usual = isLinux ? readFileSync(setting, 'utf8').trim() : ''

/** Only root may set it (proc_sys_fs(5)), and not in a container without rights over it. */
function canBeSet(): boolean {
  try {
    if (isLinux) writeFileSync(setting, usual)
    return isLinux
  } catch {
    return false
  }
}

/**
 * These change a setting of the whole host, fs.suid_dumpable, for a moment: another test of this host then sees the other value. No session
 * depends on it.
 */
(isLinux ? describeAttack : describe.skip)('a command that is not executed yet', () => {
  afterEach(() => {
    if (canBeSet()) writeFileSync(setting, usual)
  })

  /** So that there is time to meet it: each of these is looked for before it is found. */
  const PATH = [...Array.from({ length: 500 }, (_, number) => `/nowhere/${number}`), '/bin', '/usr/bin'].join(':')
  const launchSome = async (session: Session, rounds: number, isEnough = (): boolean => false): Promise<void> => {
    for (let round = 0; round < rounds && !isEnough(); round++) {
      await Promise.all(Array.from({ length: 4 }, () => session.run(['true'], { env: { PATH }, reject: false, timeout: 20_000 })))
    }
  }

  const settings = canBeSet() ? ['0', '1', '2'] : [usual]
  const users: readonly Spec['user'][] = [undefined, 'root']
  // promise: 26
  test.each(settings.flatMap((value) => users.map((user) => [value, user] as const)))('gives nothing to a build that stops it then, with fs.suid_dumpable = %s, as %s', async (value, user) => {
    if (canBeSet()) writeFileSync(setting, value)
    await using session = await openSession(armed(user === undefined ? {} : { user }))
    const hunter = session.spawn(attack('early'))
    if (hunter.stdout === null) throw new Error('stdout is no pipe')
    let output = ''
    // From the beginning on, as it prints what it gets at once.
    hunter.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
    await expect.poll(() => output).toContain('hunting')
    await launchSome(session, 60)
    hunter.stdin?.end()
    await expect.poll(() => output, { timeout: 10_000 }).toMatch(/(some|none) met\n$/)
    expect(output).toBe('hunting\nsome met\n')
  })

  test.runIf(canBeSet())('is named by the preflight where that is 1, and nowhere else', () => {
    const told = settings.map((value) => {
      writeFileSync(setting, value)
      return preflight().limitations.some(({ check }) => check === 'suid-dumpable')
    })
    expect(told).toEqual([false, true, false])
  })

  /** What `look` says of each command that a build has stopped before it was executed. */
  async function stopped<T>(look: (pid: string) => T): Promise<T[]> {
    await using session = await openSession(armed())
    const hunter = session.spawn(attack('early', 'hold'))
    let output = ''
    hunter.stdout?.on('data', (chunk: Buffer) => (output += String(chunk)))
    await expect.poll(() => output).toContain('hunting')
    const launched = launchSome(session, 200, () => output.includes('held'))
    await expect.poll(() => output, { timeout: 30_000 }).toContain('held')
    const namespace = readlinkSync(`/proc/${hunter.pid}/ns/pid`)
    const early = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isEarly(pid, namespace))
    const said = early.map(look)
    hunter.stdin?.end()
    await launched
    expect(said.length).toBeGreaterThan(0)
    return said
  }

  // promise: 8
  test.runIf(isRoot)('has nothing open but its standard descriptors', async () => {
    const open = await stopped((pid) => readdirSync(`/proc/${pid}/fd`))
    expect(new Set(open.flat())).toEqual(new Set(['0', '1', '2']))
  })

  // Its user is the owner of these files only if it is dumpable (proc(5)).
  // promise: 26
  test.runIf(isRoot && canBeSet())('is not dumpable, whatever fs.suid_dumpable says', async () => {
    writeFileSync(setting, '1')
    expect(new Set(await stopped((pid) => statSync(`/proc/${pid}/stat`).uid))).toEqual(new Set([0]))
  })
})

/** It still has the program of its init, and was stopped. */
function isEarly(pid: string, namespace: string): boolean {
  try {
    return /^\d+ \(buildjail-init\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) && readlinkSync(`/proc/${pid}/ns/pid`) === namespace
  } catch {
    // It ended meanwhile.
    return false
  }
}
