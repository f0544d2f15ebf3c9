import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

import { build, listSessions, openSession, recover } from '../../src/index.ts'
import { stateDirectoryOf } from '../../src/spec/state-directory.ts'
import { usePrograms } from './controlled.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

describeSession('recovery', () => {
  const folders = useFolders()
  // After the programs were ended: of those that nobody watched, what a session wrote down stays until somebody looks.
  afterEach(async () => void (await recover()))
  const programs = usePrograms()

  const buildjail = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
  const ownerOf = (folder: string): unknown => {
    const { uid, gid, mode } = statSync(folder)
    return { uid, gid, mode }
  }

  test('does not touch sessions that live, of this process or another', async () => {
    const program = await programs.start(folders.output)
    await using session = await openSession({})
    const before = await hostState()
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
    expect(buildjail('gc')).toMatchObject({ status: 0, stdout: 'nothing to recover\n', stderr: '' })
    await expectSameState(before)
    expect((await session.run(['echo', 'still'])).stdout).toBe('still')
    const beats = path.join(folders.output, 'beats')
    await expect.poll(() => existsSync(beats), { timeout: 20_000 }).toBe(true)
    const size = statSync(beats).size
    await expect.poll(() => statSync(beats).size).toBeGreaterThan(size)
    await program.kill()
  })

  test('brings back everything of a session whose process was killed, when nobody else does', async () => {
    chmodSync(folders.output, 0o750)
    const before = await hostState()
    const owner = ownerOf(folders.output)
    const program = await programs.start(folders.output)
    chmodSync(folders.output, 0o777)
    await program.killUnwatched()
    if (isFreebsd) expect((await hostState()).mounts.length).toBeGreaterThan(before.mounts.length + 3)
    const { recovered, leftAlone } = await recover()
    expect(leftAlone).toEqual([])
    expect(recovered).toMatchObject([{ id: program.record.id, pid: program.pid, handedBack: [folders.output], lost: [] }])
    if (isFreebsd) expect(recovered[0]?.unmounted.at(-1)).toBe(program.record.root)
    expect(ownerOf(folders.output)).toEqual(owner)
    await expectSameState(before)
  })

  test('comes before the first session of the next process', async () => {
    const before = await hostState()
    const owner = ownerOf(folders.output)
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    expect(buildjail('run', '--output', folders.output, '--', 'touch', '/output/again')).toMatchObject({ status: 0, stderr: '' })
    expect(ownerOf(folders.output)).toEqual(owner)
    await expectSameState(before)
  })

  test('comes before an output is lent again that a dead session has, in a process that recovered long ago', async () => {
    await recover()
    await build({ output: folders.output }, ['true'])
    const owner = ownerOf(folders.output)
    const program = await programs.start(folders.output)
    await expect(build({ output: folders.output }, ['true'])).rejects.toMatchObject({ code: 'EBUSY', step: 'output-lease' })
    await program.killUnwatched()
    await build({ output: folders.output }, ['touch', '/output/again'])
    expect(ownerOf(folders.output)).toEqual(owner)
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
  })

  test('of two at once each comes back when all is done', async () => {
    const before = await hostState()
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    const reports = await Promise.all([recover(), recover(), recover()])
    expect(reports.flatMap(({ leftAlone }) => leftAlone)).toEqual([])
    expect(reports.flatMap(({ recovered }) => recovered).length).toBeLessThanOrEqual(1)
    await expectSameState(before)
  })

  test('is listed before: ps tells who lives and who is dead', async () => {
    const dead = await programs.start(folders.output)
    await using session = await openSession({ name: 'mine' })
    await dead.killUnwatched()
    const stateOf = async (id: string): Promise<string | undefined> => (await listSessions()).find((one) => one.id === id)?.state
    // A child that was making something for the program when that was killed has its descriptors for a moment longer.
    await expect.poll(() => stateOf(dead.record.id)).toBe('orphaned')
    const sessions = await listSessions()
    expect(sessions).toHaveLength(2)
    expect(sessions.find(({ id }) => id === session.id)).toMatchObject({ name: 'mine', pid: process.pid, state: 'live' })
    expect(sessions.find(({ id }) => id === dead.record.id)).toMatchObject({ pid: dead.pid, state: 'orphaned' })
    const { jid, root } = sessions.find(({ id }) => id === session.id) ?? {}
    if (isFreebsd) expect([jid, root]).toEqual([(await session.record()).jail?.['jid'], (await session.record()).root])
    const listed = buildjail('ps')
    expect(listed.status).toBe(0)
    expect(listed.stdout).toMatch(new RegExp(`^${session.id} +mine +${process.pid} .* live`, 'm'))
    expect(listed.stdout).toMatch(new RegExp(`^${dead.record.id} .* orphaned`, 'm'))
    expect(buildjail('gc')).toMatchObject({ status: 0, stderr: '' })
    expect(await listSessions()).toMatchObject([{ id: session.id, state: 'live' }])
  })

  test('leaves alone what is damaged or none of ours, and says so', async () => {
    // While one lives, the state directory is there.
    await using session = await openSession({})
    const stateDirectory = stateDirectoryOf()
    const idOf = (digit: string): string => digit.repeat(16)
    const journalOf = (id: string): string => path.join(stateDirectory, `${id}.journal`)
    const written = (file: string, text: string): string => {
      writeFileSync(file, text, { mode: 0o600 })
      return file
    }
    const filled = (id: string): string => {
      mkdirSync(path.join(stateDirectory, id))
      written(path.join(stateDirectory, id, 'something'), '')
      return path.join(stateDirectory, id)
    }
    const good = readFileSync(journalOf(session.id), 'utf8')
    const spoiled = (digit: string, spoil = (text: string): string => text): string =>
      written(journalOf(idOf(digit)), spoil(good.replaceAll(session.id, idOf(digit))))
    const left = [
      spoiled('0', () => 'garbage\n'),
      spoiled('1', (text) => text.replace('journal 2', 'journal 999')),
      spoiled('2', (text) => text.replaceAll(idOf('2'), idOf('3'))),
      spoiled('4'),
      filled(idOf('5')),
      spoiled('6'),
      spoiled('7'),
      written(path.join(stateDirectory, 'stranger'), ''),
    ]
    const roots = [filled(idOf('4')), written(path.join(stateDirectory, idOf('7')), '')]
    chmodSync(journalOf(idOf('6')), 0o644)
    try {
      const before = await hostState()
      const { recovered, leftAlone } = await recover()
      expect(recovered).toEqual([])
      expect(leftAlone.map((one) => one.path).sort()).toEqual([...left].sort())
      expect(leftAlone.filter(({ reason }) => reason === '')).toEqual([])
      const collected = buildjail('gc')
      expect(collected.status).toBe(1)
      for (const one of left) expect(collected.stderr).toContain(one)
      await expectSameState(before)
    } finally {
      for (const one of [...left, ...roots]) rmSync(one, { recursive: true })
    }
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
  })
})
