import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('an input whose mode keeps the build user out', () => {
  const folders = useFolders()
  const shut = (): string => mkdtempSync(path.join(folders.top, 'shut-'))

  test('is shown entry by entry, folders that are shut as well', async () => {
    const input = shut()
    writeFileSync(path.join(input, 'file'), 'text\n')
    symlinkSync('file', path.join(input, 'link'))
    mkdirSync(path.join(input, 'below'), { mode: 0o700 })
    mkdirSync(path.join(input, 'empty'), { mode: 0o700 })
    writeFileSync(path.join(input, 'below', 'file'), 'below\n')
    const { stdout } = await build({ inputs: { src: input } }, ['sh', '-c', 'cd /inputs/src; cat link below/file; ls'])
    expect(stdout).toBe('text\nbelow\nbelow\nempty\nfile\nlink')
    const plan = planOf({ inputs: { src: input } })
    expect(plan.mounts.filter(({ kind }) => kind === 'listed').map(({ target }) => target)).toEqual(['/inputs/src', '/inputs/src/below', '/inputs/src/empty'])
  })

  // promise: 15
  test('is the output of a live session all the same: refused, even where nothing of it would be shown', async () => {
    await using writer = await openSession({ output: folders.output, user: { uid: 4001, gid: 4001 } })
    const reading = { inputs: { src: folders.output } }
    expect(planOf(reading).mounts.filter(({ entry }) => entry === 'inputs.src').map(({ kind }) => kind)).toEqual(['listed'])
    await expect(openSession(reading)).rejects.toMatchObject({ code: 'EBUSY', step: 'nested-sources' })
    await writer.close()
    await (await openSession(reading)).close()
  })

  // promise: 4
  test('is what was planned: a plan is refused when something was made or removed in it since, below as well', async () => {
    const input = shut()
    mkdirSync(path.join(input, 'below'), { mode: 0o700 })
    const added = path.join(input, 'below', 'file')
    const before = planOf({ inputs: { src: input } })
    await build(before, ['true'])
    writeFileSync(added, '')
    const stale = { code: 'ESTALE', step: 'pin-source', path: path.join(input, 'below') }
    await expect(openSession(before)).rejects.toMatchObject(stale)
    const after = planOf({ inputs: { src: input } })
    await build(after, ['test', '-e', '/inputs/src/below/file'])
    rmSync(added)
    await expect(openSession(after)).rejects.toMatchObject(stale)
    chmodSync(path.join(input, 'below'), 0o755)
  })
})
