import { chmodSync, chownSync, existsSync, lstatSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

import { build, recover } from '../../src/index.ts'
import { usePrograms, type Controlled } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { canBeMapped, ownerWhileLent, waysToLend } from '../session/outside.ts'
import { describeLinux, isRoot, processesIn } from './host.ts'
import { expectSilence } from '../session/silence.ts'

const second = 1000

describeLinux('when the host program is killed in the middle of a build', () => {
  const folders = useFolders()
  const programs = usePrograms()

  test.each(waysToLend)('within a second no process of its session is left, so no namespace and no mount (its output %s)', async (_, more) => {
    chmodSync(folders.output, 0o750)
    const before = statSync(folders.output)
    const program = await programs.start(folders.output, more)
    const { command, record: { namespaces = {} } } = program
    // Lent for that time.
    expect(statSync(folders.output).uid).toBe(ownerWhileLent(program.record, folders.output, before.uid, more))
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
  test.runIf(isRoot).each(waysToLend)('and something of its session lives on, its output is nobody else’s until that has ended (its output %s)', async (_, more) => {
    const before = statSync(folders.output)
    const program = await programs.start(folders.output, more)
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
    expect({ first, lent, isAtWork }).toEqual({ first: 'waits', lent: ownerWhileLent(program.record, folders.output, before.uid, more), isAtWork: true })
    const after = statSync(folders.output)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
  })

  /** And its init, and what watches it: then nobody cleans up. */
  const killAll = async ({ record: { root }, killUnwatched }: Controlled): Promise<number> => {
    const init = Number(/^\/proc\/(\d+)\/root$/.exec(root)?.[1])
    // Stopped, it cannot act on the death of the other before its own.
    process.kill(init, 'SIGSTOP')
    const dead = killUnwatched()
    process.kill(init, 'SIGKILL')
    await dead
    return init
  }

  test.runIf(isRoot).each(waysToLend)('and its init with it, and what watches it, the next session or recovery gives the output back (its output %s)', async (_, more) => {
    const before = statSync(folders.output)
    const inits: number[] = []
    for (const way of ['session', 'recovery'] as const) {
      const program = await programs.start(folders.output, more)
      inits.push(await killAll(program))
      expect(statSync(folders.output).uid).toBe(ownerWhileLent(program.record, folders.output, before.uid, more))
      if (way === 'session') await build({ output: folders.output }, ['true'])
      else expect((await recover()).recovered).toMatchObject([{ id: program.record.id, handedBack: [folders.output], lost: [] }])
      const after = statSync(folders.output)
      expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    }
    expect(new Set(inits).size).toBe(2)
  })

  // promise: 16
  test.runIf(isRoot)('and nobody cleans up, all that the build made belongs to the owner of the folder, as it did all the time', async (context) => {
    if (!canBeMapped(folders.output)) return context.skip('skipped: the owners of this file system cannot be mapped')
    const [alice, bob] = [4001, 4002]
    writeFileSync(path.join(folders.output, 'before'), '')
    for (const one of [folders.output, path.join(folders.output, 'before')]) chownSync(one, alice, bob)
    const owners = (): unknown => new Set([folders.output, ...readdirSync(folders.output).map((name) => path.join(folders.output, name))].map((name) => `${lstatSync(name).uid}:${lstatSync(name).gid}`))
    const program = await programs.start(folders.output)
    await expect.poll(() => existsSync(path.join(folders.output, 'beats'))).toBe(true)
    expect(owners()).toEqual(new Set([`${alice}:${bob}`]))
    await killAll(program)
    expect(owners()).toEqual(new Set([`${alice}:${bob}`]))
    expect((await recover()).leftAlone).toEqual([])
    expect(owners()).toEqual(new Set([`${alice}:${bob}`]))
  })
})
