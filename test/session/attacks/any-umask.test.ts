import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../../src/index.ts'
import { stateDirectoryOf } from '../../../src/spec/state-directory.ts'
import { useFolders } from '../folders.ts'
import { placeOfLeases } from '../host-state.ts'
import { describeAttack } from './attack.ts'

/** The files below a folder whose modes have some of the bits, with their modes. */
function having(bits: number, folder: string): string[] {
  const files = existsSync(folder) ? [folder, ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name))] : []
  return files.map((file) => [file, lstatSync(file)] as const)
    .filter(([, found]) => !found.isSymbolicLink() && (found.mode & bits) !== 0)
    .map(([file, { mode }]) => `${file} ${(mode & 0o7777).toString(8)}`)
}

describeAttack('what a session makes on the host', () => {
  const folders = useFolders()

  // promise: 16, 47
  test.each([0, 0o077])('is not for other users to change, and its root is there for the build, under umask %i', async (mask) => {
    const [output, keep, log] = ['made/output', 'kept', 'log'].map((name) => path.join(folders.top, name)) as [string, string, string]
    const before = process.umask(mask)
    try {
      const session = await openSession({ inputs: { src: folders.input }, output, keep })
      const looked = await session.run(['sh', '-c', 'cat /etc/passwd /inputs/src/given.txt; touch /output/file /tmp/file; exit 7'], { stdout: { file: log }, reject: false })
      const own = path.join(stateDirectoryOf(), session.id)
      const empty = path.join(stateDirectoryOf(), 'empty')
      // The root of a jail is there, and what is in that is for the build; and so is what is shown in the place of what is excluded.
      const others = having(0o077, stateDirectoryOf()).filter((file) => !file.startsWith(own) || file.startsWith(`${own}.`))
      expect(others.filter((file) => !file.startsWith(empty))).toEqual([])
      expect(having(0o022, empty)).toEqual([])
      expect(having(0o077, placeOfLeases())).toEqual([])
      await session.close()
      expect([looked.exitCode, looked.stderr, session.kept?.path]).toEqual([7, '', path.join(keep, session.id)])
    } finally {
      process.umask(before)
    }
    expect(readFileSync(log, 'utf8')).toMatch(/root:.*given\n$/s)
    const made = ['made', 'made/output', 'made/output/file', 'kept', 'log'].map((name) => path.join(folders.top, name))
    expect(made.map((file) => lstatSync(file).mode & 0o777)).toEqual([0o755 & ~mask, 0o755 & ~mask, 0o644, 0o755 & ~mask, 0o644 & ~mask])
  })
})
