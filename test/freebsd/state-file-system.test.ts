import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { build, openSession, planOf } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const builds = 25

describeFreebsd('the file system of the state directory', () => {
  const folders = useFolders()
  const stateDirectory = (): string => path.join(folders.top, 'state')

  // There is one while there is a session: the last to go takes it off, while the next is about to need it.
  test('is there for every session, also where others of this and of other processes come and go all the time', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const spec = { stateDirectory: stateDirectory() }
    const other = async (pause: number): Promise<void> => {
      const script = `
        import(${JSON.stringify(entry)}).then(async ({ build }) => {
          for (let builds = 0; builds < ${builds}; builds++) {
            await build(${JSON.stringify(spec)}, ['true'])
            await new Promise((resolve) => setTimeout(resolve, ${pause}))
          }
        })`
      const program = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit'] })
      expect(await once(program, 'exit')).toEqual([0, null])
    }
    const plan = planOf(spec)
    const lane = async (pause: number): Promise<void> => {
      for (let count = 0; count < builds; count++) {
        await build(plan, ['true'])
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
    await Promise.all([lane(0), lane(3), other(0), other(5)])
    await expectSameState(before)
    expect(existsSync(`${stateDirectory()}.lock`)).toBe(false)
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
    await build({ stateDirectory: stateDirectory() }, ['true'])
    expect(existsSync(file)).toBe(false)
  })
})
