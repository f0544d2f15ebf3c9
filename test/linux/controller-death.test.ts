import { chmodSync, existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

import { build, recover } from '../../src/index.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { uidOutside } from '../session/outside.ts'
import { describeLinux, isRoot, processesIn } from './host.ts'
import { expectSilence } from '../session/silence.ts'

const second = 1000

describeLinux('when the host program is killed in the middle of a build', () => {
  const folders = useFolders()
  const programs = usePrograms()

  test('within a second no process of its session is left, so no namespace and no mount', async () => {
    chmodSync(folders.output, 0o750)
    const before = statSync(folders.output)
    const program = await programs.start(folders.output)
    const { command, record: { namespaces = {} } } = program
    // Lent for that time.
    expect(statSync(folders.output).uid).toBe(uidOutside(program.record, 35001))
    chmodSync(folders.output, 0o777)
    const left = (): number[] => Object.entries(namespaces).flatMap(([kind, number]) => (kind === 'user' ? [] : processesIn(kind, number)))
    const beats = path.join(folders.output, 'beats')
    await expect.poll(() => existsSync(beats)).toBe(true)
    expect(left().length).toBeGreaterThan(0)
    expect(left()).toContain(command)

    await program.kill()
    const killed = performance.now()
    // Namespaces, and the mounts in one, live as long as a process in them: nobody else holds one open.
    while (left().length > 0 && performance.now() - killed < second) await sleep(5)
    expect(left()).toEqual([])
    // By the watcher, which waits for the last of them.
    const owner = (): number[] => ((now) => [now.uid, now.gid, now.mode])(statSync(folders.output))
    await expect.poll(owner).toEqual([before.uid, before.gid, before.mode])
    await expectSilence(() => statSync(beats).size)
  })

  test('its output can be lent again at once, to a process that has recovered once already', async () => {
    await recover()
    for (let round = 0; round < 10; round++) {
      const program = await programs.start(folders.output)
      await expect(build({ output: folders.output }, ['true'])).rejects.toMatchObject({ code: 'EBUSY', step: 'output-lease' })
      await program.kill()
      // Its init may still be on its way out, and is waited for.
      await build({ output: folders.output }, ['touch', `/output/again${round}`])
    }
    expect(statSync(folders.output).uid).toBe(process.geteuid?.())
    expect((await recover()).leftAlone).toEqual([])
  })

  // promise: 19
  test.runIf(isRoot)('and something of its session lives on, its output is nobody else’s until that has ended', async () => {
    const before = statSync(folders.output)
    const program = await programs.start(folders.output)
    const init = Number(/^\/proc\/(\d+)\/root$/.exec(program.record.root)?.[1])
    // Stopped, it ends nothing.
    process.kill(init, 'SIGSTOP')
    await program.kill()
    const next = build({ output: folders.output }, ['true'])
    const first = await Promise.race([next.then(() => 'lent', () => 'refused'), sleep(second, 'waits')])
    const lent = statSync(folders.output).uid
    const beats = path.join(folders.output, 'beats')
    const { size } = statSync(beats)
    await sleep(100)
    const isAtWork = statSync(beats).size > size
    process.kill(init, 'SIGCONT')
    await next
    expect({ first, lent, isAtWork }).toEqual({ first: 'waits', lent: uidOutside(program.record, 35001), isAtWork: true })
    const after = statSync(folders.output)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
  })

  test.runIf(isRoot)('and its init with it, and what watches it, the next session or recovery gives the output back', async () => {
    const before = statSync(folders.output)
    const inits: number[] = []
    for (const way of ['session', 'recovery'] as const) {
      const program = await programs.start(folders.output)
      const { id, root } = program.record
      const init = Number(/^\/proc\/(\d+)\/root$/.exec(root)?.[1])
      inits.push(init)
      // Stopped, it cannot act on the death of the other before its own.
      process.kill(init, 'SIGSTOP')
      const dead = program.killUnwatched()
      process.kill(init, 'SIGKILL')
      await dead
      expect(statSync(folders.output).uid).toBe(uidOutside(program.record, 35001))
      if (way === 'session') await build({ output: folders.output }, ['true'])
      else expect((await recover()).recovered).toMatchObject([{ id, handedBack: [folders.output], lost: [] }])
      const after = statSync(folders.output)
      expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    }
    expect(new Set(inits).size).toBe(2)
  })
})
