import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf, SessionPool, type Allowance, type Kept, type Result } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

const isRoot = process.geteuid?.() === 0
const failing = (script: string): string[] => ['sh', '-c', `${script}; exit 7`]

describeSession('what a command that failed left in its session', () => {
  const folders = useFolders()
  const into = (): string => path.join(folders.top, 'kept')
  const keptOf = async (script: string, allow: Allowance[] = []): Promise<Kept> => {
    const result: Result = await build({ keep: into(), allow }, failing(script), { reject: false })
    expect(result).toMatchObject({ exitCode: 7, kept: { error: undefined } })
    return result.kept as Kept
  }

  test('is kept where the spec says so, and the error tells where', async () => {
    const before = await hostState()
    const error = (await rejected(build({ keep: into() }, failing('mkdir -p a/b; echo text > a/b/file; ln -s /etc/passwd link')))) as Error & { kept: Kept }
    const { kept } = error
    expect(error.message).toContain(`its files are kept in ${kept.path}`)
    expect(path.dirname(kept.path)).toBe(into())
    expect(readFileSync(path.join(kept.path, 'tmp/a/b/file'), 'utf8')).toBe('text\n')
    expect(readlinkSync(path.join(kept.path, 'tmp/link'))).toBe('/etc/passwd')
    await expectSameState(before)
  })

  test('is not kept of a command that succeeded or never ran, nor without being asked', async () => {
    await expect(build({ keep: into() }, ['no-such-command'])).rejects.toMatchObject({ code: 'ENOENT' })
    await using session = await openSession({ keep: into() })
    await once(session.spawn(['no-such-command']), 'error')
    await session.close()
    expect(session.kept).toBe(undefined)
    expect(await build({ keep: into() }, ['true'])).toMatchObject({ kept: undefined })
    expect(await build({}, ['false'], { reject: false })).toMatchObject({ kept: undefined })
    expect(existsSync(into())).toBe(false)
  })

  test('is kept of a session when it is closed, and of a run in a pool', async () => {
    const session = await openSession({ keep: into() })
    await session.run(failing('echo one > one'), { reject: false })
    await session.run(['sh', '-c', 'echo two > two'])
    expect(session.kept).toBe(undefined)
    await session.close()
    expect(readdirSync(path.join(session.kept?.path ?? '', 'tmp')).sort()).toEqual(['one', 'two'])
    await using pool = await SessionPool.open({}, { size: 1 })
    const { kept } = await pool.run({ keep: into() }, failing('echo three > three'), { reject: false })
    expect(readdirSync(path.join(kept?.path ?? '', 'tmp'))).toEqual(['three'])
  })

  test('is kept of a spawned command, and of each file system in memory', async () => {
    const session = await openSession({ keep: into(), tmpfs: { '/var/tmp': '1M' } })
    await once(session.spawn(failing('echo one > /var/tmp/one; echo two > two')), 'close')
    await session.close()
    const { path: kept = '' } = session.kept ?? {}
    expect([readFileSync(path.join(kept, 'var/tmp/one'), 'utf8'), readFileSync(path.join(kept, 'tmp/two'), 'utf8')]).toEqual(['one\n', 'two\n'])
  })

  test('is not what was kept before, where the folder lies in the overlay and is excluded from it', async () => {
    const project = path.join(folders.top, 'project')
    mkdirSync(project)
    const inProject = path.join(project, 'kept')
    const keptIn = async (): Promise<string[]> => {
      const { kept } = await build({ inputs: { '/w': { path: project, overlay: true, exclude: ['kept/'] } }, cwd: '/w', keep: inProject }, failing('echo x > made; ls -A kept'), { reject: false })
      return readdirSync(path.join(kept?.path ?? '', 'w'), { recursive: true, encoding: 'utf8' }).toSorted()
    }
    expect([await keptIn(), await keptIn()]).toEqual([['made'], ['made']])
  })

  // promise: 47
  test('has its modes but no set-id bits, and belongs to the owner of the folder', async () => {
    mkdirSync(into())
    if (isRoot) chownSync(into(), 4001, 4002)
    const { path: kept } = await keptOf('mkdir shut; echo x > shut/x; chmod 640 shut/x; chmod 510 shut; echo s > s; chmod 4755 s && [ -u s ]', ['set-id'])
    const mode = (name: string): number => statSync(path.join(kept, 'tmp', name)).mode & 0o7777
    expect([mode('shut'), mode('shut/x'), mode('s')]).toEqual([0o510, 0o640, 0o755])
    const owner = statSync(into())
    for (const name of ['.', 'tmp', 'tmp/shut', 'tmp/shut/x', 'tmp/s']) {
      const { uid, gid } = lstatSync(path.join(kept, name))
      expect([uid, gid]).toEqual([owner.uid, owner.gid])
    }
    // So that its owner can take it away.
    chmodSync(path.join(kept, 'tmp/shut'), 0o700)
  })

  // promise: 47
  test('takes no more room than it had: holes stay holes, and one file by many names is one file', async () => {
    const { path: kept } = await keptOf('truncate -s 1T sparse; echo end >> sparse; head -c 100000 /dev/zero | tr "\\0" x > one; for i in 1 2 3; do ln one name$i; done')
    const sparse = statSync(path.join(kept, 'tmp/sparse'))
    expect(sparse.size).toBe(2 ** 40 + 4)
    expect(sparse.blocks * 512).toBeLessThan(2 ** 20)
    expect(statSync(path.join(kept, 'tmp/name3')).nlink).toBe(4)
  })

  // promise: 47
  test('takes no more room than it had, however small its holes are', async () => {
    const { path: kept } = await keptOf('i=0; while [ $i -lt 64 ]; do printf x | dd of=islands bs=1 seek=$((i * 65536)) conv=notrunc 2>/dev/null; i=$((i + 1)); done')
    const islands = statSync(path.join(kept, 'tmp/islands'))
    expect(islands.size).toBe(63 * 65536 + 1)
    // A page or a block for each, of at most 32 KiB, and not 64 KiB.
    expect(islands.blocks * 512).toBeLessThan(3 * 2 ** 20)
  })

  const shutFile = 'echo x > shut; ln shut again; chmod 0 shut'
  // Fewer names than any file system has room for, where an emulated processor makes them.
  const copies = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 256 : 2
  // promise: 47
  test.each([
    ['a file that is too large', 'truncate -s 9223372036854775807 large', 1],
    ['more names than a file may have', `mkdir d; echo x > d/0; i=1; while [ $i -lt 256 ]; do ln d/0 d/$i; i=$((i + 1)); done; i=1; while [ $i -lt ${copies} ]; do cp -Rl d d$i; i=$((i + 1)); done`, 101],
    ['a file of two names that its reader may not read', shutFile, 2],
    ['a folder that is too deep, with all that is in it', 'i=0; while [ $i -lt 40 ]; do mkdir ' + 'd'.repeat(200) + '; cd d*; echo x > x; i=$((i + 1)); done', 1],
    ['its own folder, where that is shut', 'chmod 0 /tmp', 0],
  ])('is kept but for what the file system of the folder cannot have: %s', async (_, script, most) => {
    const { path: kept, left } = await keptOf(`echo important > important; ${script}`)
    expect(readFileSync(path.join(kept, 'tmp/important'), 'utf8')).toBe('important\n')
    // How much that is depends on the file system. Of what is left out nothing is there.
    expect(left.length).toBeLessThanOrEqual(most)
    for (const name of left.filter((one) => one.startsWith('tmp/'))) expect(existsSync(path.join(kept, name))).toBe(false)
    if (script === shutFile) expect([...left].sort()).toEqual(isRoot ? [] : ['tmp/again', 'tmp/shut'])
  })

  // promise: 47
  test('is kept but for a file system whose place the build has moved', async () => {
    const session = await openSession({ keep: into(), tmpfs: { '/tmp/a/b': '1M', '/zz': '1M' } })
    await session.run(failing('echo x > x; echo z > /zz/z; mv a moved && ln -s /etc a'), { reject: false })
    await session.close()
    const { path: kept = '', left, error } = session.kept ?? {}
    expect(error).toBe(undefined)
    // A folder of somebody else in /tmp is not moved.
    expect([[], ['tmp/a/b']]).toContainEqual(left)
    expect([readFileSync(path.join(kept, 'tmp/x'), 'utf8'), readFileSync(path.join(kept, 'zz/z'), 'utf8')]).toEqual(['x\n', 'z\n'])
  })

  /** Of everything there, by its path. */
  const ownersIn = (kept: string): Record<string, number> =>
    Object.fromEntries(['.', ...(readdirSync(kept, { recursive: true }) as string[])].map((name) => [name, lstatSync(path.join(kept, name)).uid]))

  // promise: 47
  test.skipIf(!isRoot)('is kept of each file system in memory in a folder of another user, who gets all of it', async () => {
    mkdirSync(into())
    chownSync(into(), 4001, 4002)
    const session = await openSession({ keep: into(), tmpfs: { '/scratch': '1M', '/var/zz': '1M' } })
    await session.run(failing('echo a > a; echo b > /scratch/b; echo c > /var/zz/c'), { reject: false })
    await session.close()
    const { path: kept = '', error } = session.kept ?? {}
    expect(error).toBe(undefined)
    expect(ownersIn(kept)).toEqual(Object.fromEntries(['.', 'tmp', 'tmp/a', 'scratch', 'scratch/b', 'var', 'var/zz', 'var/zz/c'].map((name) => [name, 4001])))
  })

  // promise: 47
  test.skipIf(!isRoot || process.platform !== 'linux')('belongs to the owner of the folder also where there was no room for all of it', async () => {
    mkdirSync(into())
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,uid=4001,gid=4002', 'tmpfs', into()])
    try {
      const session = await openSession({ keep: into(), tmpfs: { '/zz': '8M' } })
      await session.run(failing('mkdir d; echo a > d/a; mkdir /zz/d; head -c 4194304 /dev/zero | tr "\\0" x > /zz/d/large'), { reject: false })
      await session.close()
      const { path: kept = '', error } = session.kept ?? {}
      expect(error).toMatchObject({ code: 'ENOSPC', step: 'keep', path: '/zz/d/large' })
      // Nor is a part of a file there, which would be taken for the whole.
      expect(ownersIn(kept)).toEqual(Object.fromEntries(['.', 'tmp', 'tmp/d', 'tmp/d/a', 'zz', 'zz/d'].map((name) => [name, 4001])))
    } finally {
      execFileSync('umount', [into()])
    }
  })

  test('is kept by one plan again and again, whether or not its folder was there', async () => {
    for (const folder of [into(), folders.output]) {
      const plan = planOf({ keep: folder })
      for (let round = 0; round < 2; round++) {
        const { kept }: Result = await build(plan, failing('echo x > x'), { reject: false })
        expect([kept?.error, readdirSync(path.join(kept?.path ?? '', 'tmp'))]).toEqual([undefined, ['x']])
      }
      expect(readdirSync(folder)).toHaveLength(2)
    }
  })

  test('is told of by name where it is no file, and the copy does not wait for anybody', async () => {
    const { path: kept, left } = await keptOf('mkfifo pipe; echo x > file')
    expect(left).toEqual(['tmp/pipe'])
    expect(readdirSync(path.join(kept, 'tmp'))).toEqual(['file'])
  })

  // promise: 47
  test('is not what somebody puts there who lives on: everything is ended first', async () => {
    const { path: kept } = await keptOf('(setsid sh -c "while :; do rm -rf d; mkdir d; rm -rf d; ln -s / d; done" >/dev/null 2>&1 &); sleep 0.3')
    expect(readdirSync(path.join(kept, 'tmp')).filter((name) => name !== 'd')).toEqual([])
    expect(existsSync(path.join(kept, 'tmp/d/etc'))).toBe(existsSync(path.join(kept, 'tmp/d')) && lstatSync(path.join(kept, 'tmp/d')).isSymbolicLink())
  })

  test('is deep as a path may be, and what is deeper is told of', async () => {
    const { left } = await keptOf('i=0; while [ $i -lt 60 ]; do mkdir dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd; cd d*; i=$((i+1)); done; echo x > x')
    expect(left.length).toBeGreaterThan(0)
  })

  test('cannot be kept in what is no folder, which is refused before anything runs', async () => {
    const link = path.join(folders.top, 'link')
    symlinkSync('/nowhere', link)
    for (const keep of [path.join(folders.top, 'not/there'), 'not/there', '/dev/null', link]) {
      expect(await rejected(build({ keep }, ['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'keep' })
    }
  })

  test('and could not be kept after all: the command’s own error is there, and says so', async () => {
    const keep = into()
    const session = await openSession({ keep })
    await session.run(['false'], { reject: false })
    symlinkSync('/nowhere/at/all', keep)
    await session.close()
    expect(session.kept?.error).toMatchObject({ code: 'ENOTDIR', step: 'keep', path: keep, detail: 'it is a link, or no folder' })
  })
})
