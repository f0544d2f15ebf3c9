import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { mountTable, nmount, unmount } from '../../src/freebsd.ts'
import { openSession, recover } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
/** Milliseconds in which what a killed process had is gone. */
const bound = 2000

describeFreebsd('the file system of the state directory', () => {
  const folders = useFolders()
  const stateDirectory = (): string => path.join(folders.top, 'state')
  const isMounted = async (): Promise<boolean> => (await mountTable()).some(({ on }) => on === stateDirectory())
  /** A program that builds so often, says so, and then waits as long as its stdin is open. */
  const startProgram = (builds: number, pause: number): ChildProcess => {
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ build }) => {
        for (let count = 0; count < ${builds}; count++) {
          await build(${JSON.stringify({ stateDirectory: stateDirectory() })}, ['true'])
          await new Promise((resolve) => setTimeout(resolve, ${pause}))
        }
        console.log('built')
        process.stdin.resume()
      })`
    return spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  }
  const built = async (program: ChildProcess): Promise<void> => {
    if (program.stdout !== null) await once(createInterface(program.stdout), 'line')
  }

  test('is there from the first session of a program to the end of the last program', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const programs = [startProgram(1, 0), startProgram(1, 0)]
    await Promise.all(programs.map(built))
    for (const program of programs) {
      expect(await isMounted()).toBe(true)
      const exit = once(program, 'exit')
      program.stdin?.end()
      expect(await exit).toEqual([0, null])
    }
    expect(await isMounted()).toBe(false)
    expect(existsSync(`${stateDirectory()}.lock`)).toBe(false)
    await expectSameState(before)
  })

  // The last to go takes it off, while the next is about to need it.
  test('is there for every session of programs that come and go all the time, and gone when some of them are killed', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const comeAndGo = async (isKilled: boolean): Promise<void> => {
      for (let round = 0; round < 6; round++) {
        const program = startProgram(isKilled ? 1000 : 2, 0)
        const exit = once(program, 'exit')
        if (isKilled) await sleep(300 + Math.random() * 700)
        else await built(program)
        if (isKilled) program.kill('SIGKILL')
        else program.stdin?.end()
        expect(await exit).toEqual(isKilled ? [null, 'SIGKILL'] : [0, null])
      }
    }
    await Promise.all([comeAndGo(false), comeAndGo(false), comeAndGo(true)])
    await expect.poll(isMounted, { timeout: bound }).toBe(false)
    await expect.poll(() => existsSync(`${stateDirectory()}.lock`), { timeout: bound }).toBe(false)
    await expectSameState(before)
  })

  test('is not to be locked by what others put beside it', async () => {
    const file = `${stateDirectory()}.lock`
    const refusal = { code: 'EPERM', step: 'state-directory', path: file }
    mkdirSync(stateDirectory(), { mode: 0o700 })
    writeFileSync(file, '', { mode: 0o600 })
    chownSync(file, 65534, 65534)
    await expect(openSession({ stateDirectory: stateDirectory() })).rejects.toMatchObject(refusal)
    chownSync(file, 0, 0)
    linkSync(file, `${file}.other`)
    await expect(openSession({ stateDirectory: stateDirectory() })).rejects.toMatchObject(refusal)
    rmSync(`${file}.other`)
    const program = startProgram(1, 0)
    const exit = once(program, 'exit')
    await built(program)
    program.stdin?.end()
    expect(await exit).toEqual([0, null])
    expect(existsSync(file)).toBe(false)
  })

  const ended = async (program: ChildProcess): Promise<void> => {
    const exit = once(program, 'exit')
    program.stdin?.end()
    expect(await exit).toEqual([0, null])
  }
  const mountOther = async (): Promise<void> => {
    mkdirSync(stateDirectory(), { mode: 0o700 })
    await nmount({ fstype: 'tmpfs', fspath: stateDirectory(), from: 'tmpfs' })
  }

  test('is somebody else’s where that is mounted there: it is used, and stays', { timeout: 110_000 }, async () => {
    await mountOther()
    try {
      const before = await hostState()
      const program = startProgram(1, 0)
      await built(program)
      expect((await mountTable()).filter(({ on }) => on === stateDirectory())).toHaveLength(1)
      await ended(program)
      expect(await recover({ stateDirectory: stateDirectory() })).toEqual({ recovered: [], leftAlone: [] })
      expect(await isMounted()).toBe(true)
      expect(existsSync(`${stateDirectory()}.lock`)).toBe(false)
      await expectSameState(before)
      chmodSync(stateDirectory(), 0o755)
      const refusal = { code: 'EPERM', step: 'state-directory', path: stateDirectory() }
      await expect(openSession({ stateDirectory: stateDirectory() })).rejects.toMatchObject(refusal)
    } finally {
      await unmount(stateDirectory())
    }
  })

  test('is refused, not waited for, where the kernel has another name for it', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const program = startProgram(1, 0)
    await built(program)
    const [old, renamed] = [folders.top, `${folders.top}-renamed`]
    renameSync(old, renamed)
    const stateOf = (folder: string): string => path.join(folder, 'state')
    const began = performance.now()
    try {
      const refusal = { code: 'EINVAL', step: 'state-directory', path: stateOf(renamed), dest: stateOf(old) }
      await expect(openSession({ stateDirectory: stateOf(renamed) })).rejects.toMatchObject(refusal)
      expect(performance.now() - began).toBeLessThan(20_000)
    } finally {
      renameSync(renamed, old)
    }
    await ended(program)
    expect(await isMounted()).toBe(false)
    await expectSameState(before)
  })

  test('is not taken away by a program whose file beside it was exchanged', { timeout: 110_000 }, async () => {
    const file = `${stateDirectory()}.lock`
    const first = startProgram(1, 0)
    await built(first)
    rmSync(file)
    writeFileSync(file, '', { mode: 0o600 })
    await ended(first)
    expect([await isMounted(), existsSync(file)]).toEqual([true, true])
    // Whoever has the file of that name does.
    const second = startProgram(1, 0)
    await built(second)
    await ended(second)
    expect([await isMounted(), existsSync(file)]).toEqual([false, false])
  })
})
