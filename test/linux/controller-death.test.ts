import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

import type { SessionRecord } from '../../src/index.ts'
import { build, listSessions, recover } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { hostState } from '../session/host-state.ts'
import { describeLinux, isRoot, processesIn } from './host.ts'

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))
const second = 1000

describeLinux('when the host program is killed in the middle of a build', () => {
  const folders = useFolders()
  let program: ChildProcess | undefined
  afterEach(() => program?.kill('SIGKILL'))

  test('within a second no process of its session is left, so no namespace and no mount, and nothing to recover', async () => {
    const { stateFolder } = await hostState()
    chmodSync(folders.output, 0o750)
    const before = statSync(folders.output)
    program = spawn(process.execPath, [controller, folders.output], { stdio: ['ignore', 'pipe', 'inherit'] })
    if (program.stdout === null) throw new Error('no stdout')
    const [line] = (await once(createInterface(program.stdout), 'line')) as [string]
    const { id, namespaces = {}, process: command } = JSON.parse(line) as SessionRecord
    // Lent for that time; in a user namespace the build user is the caller.
    if (isRoot) expect(statSync(folders.output).uid).toBe(35001)
    chmodSync(folders.output, 0o777)
    const left = (): number[] => Object.entries(namespaces).flatMap(([kind, number]) => (kind === 'user' ? [] : processesIn(kind, number)))
    const beats = path.join(folders.output, 'beats')
    await expect.poll(() => existsSync(beats)).toBe(true)
    expect(left().length).toBeGreaterThan(0)
    expect(left()).toContain(command?.pid)

    program.kill('SIGKILL')
    await once(program, 'exit')
    const killed = performance.now()
    // Namespaces, and the mounts in one, live as long as a process in them: nobody else holds one open.
    while (left().length > 0 && performance.now() - killed < second) await sleep(5)
    expect(left()).toEqual([])
    const after = statSync(folders.output)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    const size = statSync(beats).size
    await sleep(100)
    expect(statSync(beats).size).toBe(size)

    // What it wrote down about itself goes too, without anything to be done for it.
    expect(await listSessions()).toMatchObject([{ id, pid: program.pid, state: 'orphaned' }])
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
    expect(await listSessions()).toEqual([])
    expect((await hostState()).stateFolder).toEqual(stateFolder)
  })

  test('its output can be lent again at once, to a process that has recovered once already', async () => {
    await recover()
    for (let round = 0; round < 10; round++) {
      program = spawn(process.execPath, [controller, folders.output], { stdio: ['ignore', 'pipe', 'inherit'] })
      if (program.stdout === null) throw new Error('no stdout')
      await once(createInterface(program.stdout), 'line')
      await expect(build({ output: folders.output }, ['true'])).rejects.toMatchObject({ code: 'EBUSY', step: 'output-lease' })
      const exit = once(program, 'exit')
      program.kill('SIGKILL')
      await exit
      // Its init may still be on its way out, and is waited for.
      await build({ output: folders.output }, ['touch', '/output/again'])
    }
    expect(statSync(folders.output).uid).toBe(process.geteuid?.())
    expect((await recover()).leftAlone).toEqual([])
  })

  test.runIf(isRoot)('and its init with it, the next session or recovery gives the output back', async () => {
    const before = statSync(folders.output)
    const inits: number[] = []
    for (const way of ['session', 'recovery'] as const) {
      program = spawn(process.execPath, [controller, folders.output], { stdio: ['ignore', 'pipe', 'inherit'] })
      if (program.stdout === null) throw new Error('no stdout')
      const [line] = (await once(createInterface(program.stdout), 'line')) as [string]
      const { id, root } = JSON.parse(line) as SessionRecord
      const init = Number(/^\/proc\/(\d+)\/root$/.exec(root)?.[1])
      inits.push(init)
      // Stopped, it cannot act on the death of the other before its own.
      process.kill(init, 'SIGSTOP')
      const exit = once(program, 'exit')
      program.kill('SIGKILL')
      process.kill(init, 'SIGKILL')
      await exit
      expect(statSync(folders.output).uid).toBe(35001)
      if (way === 'session') await build({ output: folders.output }, ['true'])
      else expect((await recover()).recovered).toMatchObject([{ id, handedBack: [folders.output], lost: [] }])
      const after = statSync(folders.output)
      expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    }
    expect(new Set(inits).size).toBe(2)
  })
})
