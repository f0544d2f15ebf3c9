import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { MNT_FORCE, nmount, unmount } from '../../src/freebsd/index.ts'
import { build, openSession, recover } from '../../src/index.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { rejected } from '../session/rejected.ts'
import { describeFreebsd } from './guest.ts'

/** Takes what there is of room. */
function fill(folder: string): void {
  const file = openSync(path.join(folder, 'filling'), 'w')
  const code = ((): string | undefined => {
    try {
      for (;;) writeSync(file, Buffer.alloc(4096, 1))
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    } finally {
      closeSync(file)
    }
  })()
  expect(code).toBe('ENOSPC')
}

describeFreebsd('a state directory in which there is no more room', () => {
  const folders = useFolders()
  const programs = usePrograms()

  // promise: 16, 19
  test('opens no session, and says so; but one that was open is recovered when its host program was killed', { timeout: 120_000 }, async () => {
    const stateDirectory = path.join(folders.top, 'state')
    mkdirSync(stateDirectory, { mode: 0o700 })
    await nmount({ fstype: 'tmpfs', fspath: stateDirectory, from: 'tmpfs', size: '1m' })
    try {
      const before = await hostState()
      const owner = statSync(folders.output)
      const program = await programs.start(folders.output, { stateDirectory })
      fill(stateDirectory)
      const other = path.join(folders.top, 'other')
      mkdirSync(other)
      expect(await rejected(openSession({ stateDirectory, output: other }))).toMatchObject({ code: 'ENOSPC' })
      expect(statSync(other).mode & 0o7777).toBe(0o755)
      await program.killUnwatched()
      const { recovered, leftAlone } = await recover({ stateDirectory })
      // But for what filled it.
      expect([recovered, leftAlone]).toMatchObject([[{ handedBack: [folders.output] }], [{ path: path.join(stateDirectory, 'filling') }]])
      const after = statSync(folders.output)
      expect([after.uid, after.gid, after.mode]).toEqual([owner.uid, owner.gid, owner.mode])
      expect(readdirSync(stateDirectory).filter((name) => name !== 'empty')).toEqual(['filling'])
      await expectSameState(before)
      rmSync(path.join(stateDirectory, 'filling'))
      expect(await build({ stateDirectory, output: other }, ['true'])).toMatchObject({ exitCode: 0 })
    } finally {
      // Each program holds the state directories of its sessions until it ends, this one too.
      await unmount(stateDirectory, MNT_FORCE)
    }
  })
})
