import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession, TeardownError, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { rejected } from '../session/rejected.ts'
import { waysToLend } from '../session/outside.ts'
import { describeLinux, isRoot } from './host.ts'

const write = ['sh', '-c', 'echo built > /output/made; chmod 666 /output/made'] as const

/** The ways to lend an output to a build that is not root, and to one that is. */
const ways: readonly (readonly [string, Spec])[] = [...waysToLend, ['to root', { user: 'root' }]]

function byRoot(...words: string[]): void {
  const [file = '', ...args] = words
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`)
}

/** A folder in a file system of its own, so that the host can change that. */
function outputInTmpfs(folder: string, options: string): Disposable & { readonly top: string; readonly output: string } {
  const top = path.join(folder, 'mounted')
  mkdirSync(top)
  byRoot('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', top)
  const output = path.join(top, 'output')
  mkdirSync(output)
  chmodSync(output, 0o755)
  return { top, output, [Symbol.dispose]: () => byRoot('umount', '-l', top) }
}

/** As it was before it was lent, with what was made. */
function expectBack(output: string): void {
  const { uid, gid, mode } = statSync(output)
  expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 0, gid: 0, mode: 0o755 })
  expect(statSync(path.join(output, 'made'))).toMatchObject({ uid: 0, gid: 0 })
}

describeLinux('an output whose place on the host changes while it is lent', () => {
  const folders = useFolders()

  // promise: 16
  test.runIf(isRoot)('is refused where nothing can be written to it, and left as it was', async () => {
    using place = outputInTmpfs(folders.top, 'mode=755')
    const { top, output } = place
    byRoot('mount', '-o', 'remount,ro', top)
    expect(await rejected(openSession({ output }))).toMatchObject({ code: 'EROFS', step: 'hand-over', path: output })
    byRoot('mount', '-o', 'remount,rw', top)
    await using session = await openSession({ output })
    await session.run(write)
    await session.close()
    expectBack(output)
  })

  // promise: 16
  test.runIf(isRoot).each(ways)('comes back at the second close where the host made its file system read-only before the first (lent %s)', async (_, more) => {
    using place = outputInTmpfs(folders.top, 'mode=755')
    const { top, output } = place
    await using session = await openSession({ output, ...more })
    await session.run(write)
    byRoot('mount', '-o', 'remount,ro', top)
    const error = await rejected(session.close())
    expect(error).toBeInstanceOf(TeardownError)
    expect((error as TeardownError).errors).toMatchObject([{ code: 'EROFS', step: 'hand-back' }])
    // Nobody else enters meanwhile.
    expect(statSync(output).mode & 0o77).toBe(0)
    byRoot('mount', '-o', 'remount,rw', top)
    await session.close()
    expectBack(output)
  })

  // promise: 16
  test.runIf(isRoot).each(ways)('comes back where its file system is full (lent %s)', async (_, more) => {
    using place = outputInTmpfs(folders.top, 'mode=755,size=64k,nr_inodes=16')
    const { output } = place
    await using session = await openSession({ output, ...more })
    await session.run(write)
    await session.run(['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do : > /output/$i; done; cat /dev/zero > /output/made; true'], { reject: false })
    await session.close()
    expectBack(output)
  })

  // promise: 16
  test.runIf(isRoot).each(ways)('comes back, and nothing else, where the host mounted something over it or put a link in its place (lent %s)', async (_, more) => {
    const { output } = folders
    await using session = await openSession({ output, ...more })
    byRoot('mount', '-t', 'tmpfs', '-o', 'mode=777', 'tmpfs', output)
    writeFileSync(path.join(output, 'made'), 'of the host')
    chmodSync(path.join(output, 'made'), 0o644)
    await session.run(write)
    expect(readFileSync(path.join(output, 'made'), 'utf8')).toBe('of the host')
    await session.close()
    expect([statSync(output).mode & 0o777, readdirSync(output)]).toEqual([0o777, ['made']])
    expect(statSync(path.join(output, 'made')).mode & 0o777).toBe(0o644)
    byRoot('umount', '-l', output)
    expectBack(output)

    await using next = await openSession({ output, ...more })
    const aside = path.join(folders.top, 'aside')
    renameSync(output, aside)
    symlinkSync(folders.input, output)
    await next.run(write)
    await next.close()
    expectBack(aside)
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
  })
})
