import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, SessionPool, type Allowance, type Kept, type Result } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

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

  test('has its modes but no set-id bits, and belongs to the owner of the folder', async () => {
    mkdirSync(into())
    if (process.geteuid?.() === 0) chownSync(into(), 4001, 4002)
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

  test('takes no more room than it had: holes stay holes, and one file by many names is one file', async () => {
    const { path: kept } = await keptOf('truncate -s 1T sparse; echo end >> sparse; head -c 100000 /dev/zero | tr "\\0" x > one; for i in 1 2 3; do ln one name$i; done')
    const sparse = statSync(path.join(kept, 'tmp/sparse'))
    expect(sparse.size).toBe(2 ** 40 + 4)
    expect(sparse.blocks * 512).toBeLessThan(2 ** 20)
    expect(statSync(path.join(kept, 'tmp/name3')).nlink).toBe(4)
  })

  test('is told of by name where it is no file, and the copy does not wait for anybody', async () => {
    const { path: kept, left } = await keptOf('mkfifo pipe; echo x > file')
    expect(left).toEqual(['tmp/pipe'])
    expect(readdirSync(path.join(kept, 'tmp'))).toEqual(['file'])
  })

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
    symlinkSync('/nowhere', path.join(folders.top, 'link'))
    for (const keep of [path.join(folders.top, 'not/there'), 'not/there', '/dev/null']) {
      expect(await rejected(build({ keep }, ['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'keep' })
    }
  })

  test('and could not be kept after all: the command’s own error is there, and says so', async () => {
    const keep = into()
    const session = await openSession({ keep })
    await session.run(['false'], { reject: false })
    symlinkSync('/nowhere/at/all', keep)
    await session.close()
    expect(session.kept?.error).toBeInstanceOf(Error)
  })
})
