import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

import { listSessions, openSession, recover } from '../../src/index.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

describeFreebsd('recovery on FreeBSD', () => {
  const folders = useFolders()
  afterEach(async () => void (await recover()))
  const programs = usePrograms()
  const chflags = (...flags: string[]): void => expect(spawnSync('chflags', [...flags, folders.output]).status).toBe(0) as void
  const ownerOf = (folder: string): unknown => {
    const { uid, gid, mode } = statSync(folder)
    return { uid, gid, mode }
  }

  const spoilt = [
    ['no root', (text: string) => text.replace(/^root path .*$/m, 'root path ')],
    ['no jail', (text: string) => text.replace(/^jail name .*$/m, 'jail name ')],
    ['no root and no jail', (text: string) => text.replace(/^(root path|jail name) .*$/gm, '$1 ')],
  ] as const
  test.each(spoilt)('unmounts nothing by an entry that names %s', async (_, spoil) => {
    // While one lives, the state directory is there, and things in it that could be unmounted.
    await using session = await openSession({})
    const { root } = await session.record()
    const id = '0123456789abcdef'
    const file = path.join(path.dirname(root), `${id}.journal`)
    const good = readFileSync(`${root}.journal`, 'utf8').replaceAll(session.id, id)
    const text = spoil(good)
    expect(text).not.toBe(good)
    writeFileSync(file, text, { mode: 0o600 })
    try {
      const before = await hostState()
      const { recovered, leftAlone } = await recover()
      expect([recovered, leftAlone]).toMatchObject([[], [{ path: file }]])
      expect(leftAlone[0]?.reason).toContain('EINVAL')
      await expectSameState(before)
      expect((await session.run(['echo', 'still'])).stdout).toBe('still')
    } finally {
      rmSync(file)
    }
  })

  // promise: 16
  test('gives an output back whose build let nobody change it', async () => {
    const before = await hostState()
    const owner = ownerOf(folders.output)
    const program = await programs.start(folders.output)
    chflags('uchg')
    await program.killUnwatched()
    const { recovered, leftAlone } = await recover()
    expect([recovered, leftAlone]).toMatchObject([[{ handedBack: [folders.output] }], []])
    expect(ownerOf(folders.output)).toEqual(owner)
    await expectSameState(before)
  })

  test('still knows of an output that a program could not give back when it closed, and took all else away', async () => {
    const stateDirectory = path.join(folders.top, 'state')
    const owner = ownerOf(folders.output)
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ openSession }) => {
        const session = await openSession(${JSON.stringify({ stateDirectory, output: folders.output })})
        console.log('open')
        process.stdin.resume()
        await new Promise((resolve) => process.stdin.once('end', resolve))
        await session.close().catch(({ errors }) => console.log(errors.map(({ syscall, code }) => syscall + ' ' + code).join()))
      })`
    const program = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(program, 'exit')
    const lines: string[] = []
    const output = createInterface(program.stdout).on('line', (line) => lines.push(line))
    await once(output, 'line')
    try {
      // By root of the host, which no build is.
      chflags('schg')
      program.stdin.end()
      expect(await exit).toEqual([0, null])
      expect(lines).toEqual(['open', 'fchown EPERM'])
      expect(await listSessions({ stateDirectory })).toMatchObject([{ state: 'orphaned' }])
    } finally {
      chflags('noschg')
    }
    const { recovered, leftAlone } = await recover({ stateDirectory })
    expect([recovered, leftAlone]).toMatchObject([[{ handedBack: [folders.output], unmounted: [] }], []])
    expect(ownerOf(folders.output)).toEqual(owner)
  })
})
