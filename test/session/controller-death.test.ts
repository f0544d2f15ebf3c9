import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { recover } from '../../src/index.ts'
import { descendantsOf, isRunning, usePrograms, watchersOf } from './controlled.ts'
import { useFolders } from './folders.ts'
import { hostState, type HostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { ownerWhileLent, waysToLend } from './outside.ts'
import { expectSilence } from './silence.ts'

const churn = fileURLToPath(new URL('churn.mjs', import.meta.url))
/** Milliseconds in which everything is to be gone after the death of its process, without anybody doing anything. */
const bound = 2000
/** What a build may do to its output while it has it. */
const changed = 0o777

describeSession('when the host program is killed', () => {
  const folders = useFolders()
  const programs = usePrograms()

  const lookAround = async (): Promise<{ host: Omit<HostState, 'descriptors'>; owner: number[] }> => {
    const { mounts, jails, stateFolder, leases, cgroups } = await hostState()
    const { uid, gid, mode } = statSync(folders.output)
    return { host: { mounts, jails, stateFolder, leases, cgroups }, owner: [uid, gid, mode & 0o7777] }
  }
  const kill = async (pid: number, exit: Promise<unknown>): Promise<void> => {
    process.kill(pid, 'SIGKILL')
    await exit
  }

  test.each(waysToLend)('in the middle of a build, everything is gone within two seconds (its output %s)', async (_, more) => {
    chmodSync(folders.output, 0o750)
    const before = await lookAround()
    const program = await programs.start(folders.output, more)
    expect(watchersOf(program.pid)).toHaveLength(1)
    const [watcher = 0] = watchersOf(program.pid)
    expect(statSync(folders.output).uid).toBe(ownerWhileLent(program.record, folders.output, before.owner[0] ?? 0, more))
    chmodSync(folders.output, changed)
    const beats = path.join(folders.output, 'beats')
    await expect.poll(() => existsSync(beats), { timeout: 20_000 }).toBe(true)
    await program.kill()
    await expect.poll(lookAround, { timeout: bound, interval: 10 }).toEqual(before)
    await expectSilence(() => statSync(beats).size)
    // Nor is what did it.
    await expect.poll(() => isRunning(watcher), { timeout: bound }).toBe(false)
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
  })

  const send = (signal: NodeJS.Signals, pids: readonly number[]): void => {
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, signal)
  }

  // promise: 19
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGALRM'] as const)('and its watcher by %s, as a shell or a manager of services does, everything is gone within two seconds', async (signal) => {
    chmodSync(folders.output, 0o750)
    const before = await lookAround()
    const program = await programs.start(folders.output)
    const watchers = watchersOf(program.pid)
    expect(watchers).toHaveLength(1)
    chmodSync(folders.output, changed)
    // SIGQUIT has the kernel write a core of the host program first, which takes its time.
    send(signal, watchers)
    send(signal === 'SIGQUIT' ? 'SIGKILL' : signal, [program.pid])
    send(signal, watchers)
    await expect.poll(lookAround, { timeout: bound, interval: 10 }).toEqual(before)
    await expect.poll(() => watchers.filter(isRunning), { timeout: bound }).toEqual([])
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
  })

  // systemd.kill(5): to the whole cgroup, and once more to what is left when the main process has ended; or to that one only.
  // promise: 19
  test.each(['control-group', 'process'])('as a service of systemd is stopped (KillMode=%s), everything is gone within two seconds', async (mode) => {
    chmodSync(folders.output, 0o750)
    const before = await lookAround()
    const program = await programs.start(folders.output)
    const unit = [program.pid, ...descendantsOf(program.pid)]
    const stop = (): void => send('SIGTERM', mode === 'process' ? [program.pid] : unit)
    stop()
    await expect.poll(() => isRunning(program.pid), { timeout: bound, interval: 1 }).toBe(false)
    if (mode !== 'process') stop()
    await expect.poll(lookAround, { timeout: bound, interval: 10 }).toEqual(before)
    // Nothing is there for the SIGKILL at the end.
    await expect.poll(() => unit.filter(isRunning), { timeout: bound }).toEqual([])
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
  })

  test('with its watcher, by SIGKILL, what it had is there until the next recovery', async () => {
    chmodSync(folders.output, 0o750)
    const before = await lookAround()
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    expect((await lookAround()).host).not.toEqual(before.host)
    expect(await recover()).toMatchObject({ leftAlone: [] })
    await expect.poll(lookAround, { timeout: bound, interval: 10 }).toEqual(before)
  })

  // promise: 19
  test('at any moment of opening, running and closing, everything is gone within two seconds', { timeout: 300_000 }, async () => {
    chmodSync(folders.output, 0o750)
    const before = await lookAround()
    for (let round = 0; round < 40; round++) {
      const program = spawn(process.execPath, [churn, folders.output, String(round % 3)], { stdio: ['ignore', 'pipe', 'inherit'] })
      // It says so as it begins; a cycle of open, run and close takes some 50 ms on an emulated machine, and less than 10 on others.
      await once(createInterface(program.stdout), 'line')
      await sleep(Math.random() * 80)
      await kill(program.pid ?? 0, once(program, 'exit'))
      await expect.poll(lookAround, { timeout: bound, interval: 10, message: `round ${round}` }).toEqual(before)
    }
  })

  test('at the end of the last command of a session, its output has its owner and mode again', async () => {
    chmodSync(folders.output, 0o750)
    const before = await lookAround()
    for (let round = 0; round < 10; round++) {
      // It says that it begins, and its command that it is about to end.
      const program = spawn(process.execPath, [churn, folders.output, 'chmod'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = createInterface(program.stdout)
      await once(lines, 'line')
      await once(lines, 'line')
      await kill(program.pid ?? 0, once(program, 'exit'))
      await expect.poll(lookAround, { timeout: bound, interval: 10, message: `round ${round}` }).toEqual(before)
    }
  })
})
