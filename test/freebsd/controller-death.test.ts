import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { JAIL_CREATE, jailGet, jailRemove, jailSet } from '../../src/freebsd.ts'
import { recover } from '../../src/index.ts'
import { usePrograms, watchersOf } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { hostState, type HostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const churn = fileURLToPath(new URL('churn.mjs', import.meta.url))
/** Milliseconds in which everything is to be gone after the death of its process, without anybody doing anything. */
const bound = 2000

describeFreebsd('when the host program is killed', () => {
  const folders = useFolders()
  const programs = usePrograms()

  const leftovers = async ({ mounts, jails, stateFolder }: HostState): Promise<unknown> => {
    const now = await hostState()
    const { uid, gid, mode } = statSync(folders.output)
    return [now.mounts.length - mounts.length, now.jails.length - jails.length, now.stateFolder.length - stateFolder.length, uid, gid, mode & 0o7777]
  }
  const nothing = (): unknown => [0, 0, 0, 0, 0, 0o750]

  test('in the middle of a build, everything is gone within two seconds', async () => {
    chmodSync(folders.output, 0o750)
    const before = await hostState()
    const program = await programs.start(folders.output)
    expect(watchersOf(program.pid)).toHaveLength(1)
    const [watcher = 0] = watchersOf(program.pid)
    expect(statSync(folders.output).uid).toBe(35001)
    const beats = path.join(folders.output, 'beats')
    await expect.poll(() => existsSync(beats), { timeout: 20_000 }).toBe(true)
    await program.kill()
    await expect.poll(() => leftovers(before), { timeout: bound, interval: 10 }).toEqual(nothing())
    const { size } = statSync(beats)
    await sleep(100)
    expect(statSync(beats).size).toBe(size)
    // Nor is what did it.
    await expect.poll(() => isRunning(watcher), { timeout: bound }).toBe(false)
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
  })

  test('at any moment of opening, running and closing, everything is gone within two seconds', { timeout: 300_000 }, async () => {
    chmodSync(folders.output, 0o750)
    const before = await hostState()
    for (let round = 0; round < 40; round++) {
      const program = spawn(process.execPath, [churn, folders.output, String(round % 3)], { stdio: ['ignore', 'pipe', 'inherit'] })
      // It says so as it begins; a cycle of open, run and close takes some 50 ms there.
      await once(createInterface(program.stdout), 'line')
      await sleep(Math.random() * 80)
      const exit = once(program, 'exit')
      program.kill('SIGKILL')
      await exit
      await expect.poll(() => leftovers(before), { timeout: bound, interval: 10, message: `round ${round}` }).toEqual(nothing())
    }
  })

  test('a jail of the same name and another path stays; the mounts go', async () => {
    const before = await hostState()
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    const name = String(program.record.jail?.['name'])
    await expect.poll(async () => (await hostState()).jails).toEqual(before.jails)
    const jid = await jailSet({ name, path: folders.input, persist: true }, JAIL_CREATE)
    try {
      const { recovered, leftAlone } = await recover()
      expect(leftAlone).toMatchObject([{ path: folders.input, reason: expect.stringContaining(name) }])
      expect(recovered).toMatchObject([{ id: program.record.id, handedBack: [folders.output] }])
      expect(recovered[0]?.jail).toBeUndefined()
      expect(await jailGet({ name }, ['jid'])).toEqual({ jid })
      expect((await hostState()).mounts).toEqual(before.mounts)
    } finally {
      await jailRemove(jid)
    }
  })

  test('an output that was moved away meanwhile is left as it is, and told of once', async () => {
    const before = await hostState()
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    const moved = path.join(folders.top, 'moved')
    renameSync(folders.output, moved)
    mkdirSync(folders.output)
    const { recovered, leftAlone } = await recover()
    expect(leftAlone).toEqual([])
    expect(recovered).toMatchObject([{ handedBack: [], lost: [folders.output] }])
    expect([statSync(moved).uid, statSync(folders.output).uid]).toEqual([35001, 0])
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
    expect((await hostState()).mounts).toEqual(before.mounts)
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
