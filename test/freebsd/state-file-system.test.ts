import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

import { mountTable, nmount, unmount } from '../../src/freebsd/index.ts'
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
  /** A program that does this with the package, says so, and then waits as long as its stdin is open. */
  const startScript = (lines: string): ChildProcess => {
    const script = `
      import(${JSON.stringify(entry)}).then(async (buildjail) => {
        ${lines}
        console.log('built')
        process.stdin.resume()
      })`
    const program = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    // Where the test fails, another may be at work still.
    onTestFinished(() => void program.kill('SIGKILL'))
    return program
  }
  const startProgram = (builds: number): ChildProcess =>
    startScript(`
      for (let count = 0; count < ${builds}; count++) {
        await buildjail.build(${JSON.stringify({ stateDirectory: stateDirectory() })}, ['true'])
      }`)
  const built = async (program: ChildProcess): Promise<void> => {
    if (program.stdout === null) throw new Error('no stdout')
    // Without one where it failed: what it has to say of that is on stderr.
    for await (const line of createInterface(program.stdout)) if (line === 'built') return
    throw new Error('the program ended before it had built')
  }

  const ended = async (program: ChildProcess): Promise<void> => {
    const exit = once(program, 'exit')
    program.stdin?.end()
    expect(await exit).toEqual([0, null])
  }

  test('is there from the first session of a program to the end of the last program', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const programs = [startProgram(1), startProgram(1)]
    await Promise.all(programs.map(built))
    for (const program of programs) {
      expect(await isMounted()).toBe(true)
      await ended(program)
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
        const program = startProgram(isKilled ? 1000 : 2)
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

  // nmount(2) looks the directory up twice, and says ENOENT where another mount came between; far down is long enough for that.
  test('is there for both of two programs that are the first at the same time', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const farDown = path.join(folders.top, 'd/'.repeat(300))
    mkdirSync(farDown, { recursive: true })
    const [rounds, every] = [100, 60]
    const begin = Date.now() + 5000
    const script = `
      for (let round = 0; round < ${rounds}; round++) {
        const at = ${begin} + round * ${every}
        await new Promise((resolve) => setTimeout(resolve, Math.max(at - Date.now() - 12, 0)))
        while (Date.now() < at);
        await (await buildjail.openSession({ stateDirectory: ${JSON.stringify(farDown)} + round })).close()
      }`
    const programs = [startScript(script), startScript(script)]
    await Promise.all(programs.map(built))
    await Promise.all(programs.map(ended))
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
    const program = startProgram(1)
    await built(program)
    await ended(program)
    expect(existsSync(file)).toBe(false)
  })

  const mountOther = async (): Promise<void> => {
    mkdirSync(stateDirectory(), { mode: 0o700 })
    await nmount({ fstype: 'tmpfs', fspath: stateDirectory(), from: 'tmpfs' })
  }

  test('is somebody else’s where that is mounted there: it is used, and stays', { timeout: 110_000 }, async () => {
    await mountOther()
    try {
      const before = await hostState()
      const program = startProgram(1)
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
    const program = startProgram(1)
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
    const first = startProgram(1)
    await built(first)
    rmSync(file)
    writeFileSync(file, '', { mode: 0o600 })
    await ended(first)
    expect([await isMounted(), existsSync(file)]).toEqual([true, true])
    // Whoever has the file of that name does.
    const second = startProgram(1)
    await built(second)
    await ended(second)
    expect([await isMounted(), existsSync(file)]).toEqual([false, false])
  })
})
