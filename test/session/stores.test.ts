import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, SessionPool, type Spec } from '../../src/index.ts'
import { onHost } from './attacks/attack.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

const isRoot = process.geteuid?.() === 0

describeSession('a store', () => {
  const folders = useFolders()
  const store = (...names: string[]): string => path.join(folders.output, ...names)
  const spec = (more: Spec = {}): Spec => ({
    stores: { '/gnu/store': folders.output },
    inputs: { '/gnu/store/abc-foo': folders.input, '/gnu/store/def-bar.txt': path.join(folders.input, 'given.txt') },
    ...more,
  })
  const stateOf = (file: string): unknown => (({ uid, gid, mode }) => ({ uid, gid, mode }))(statSync(file))

  test('has its inputs in it, and the build makes a folder, a file and a link beside them', async () => {
    const before = stateOf(folders.output)
    const script = 'cd /gnu/store; ls; cat abc-foo/given.txt def-bar.txt; mkdir x-out; echo made > x-out/made; echo file > y-out; ln -s x-out z-out'
    expect((await build(spec(), ['sh', '-c', script])).stdout).toBe('abc-foo\ndef-bar.txt\ngiven\ngiven')
    expect(readdirSync(folders.output).toSorted()).toEqual(['x-out', 'y-out', 'z-out'])
    expect(readFileSync(store('x-out/made'), 'utf8')).toBe('made\n')
    expect(readlinkSync(store('z-out'))).toBe('x-out')
    expect(stateOf(folders.output)).toEqual(before)
    const { uid, gid } = statSync(folders.output)
    for (const name of ['x-out', 'x-out/made', 'y-out', 'z-out']) expect(lstatSync(store(name))).toMatchObject({ uid, gid })
  })

  test.skipIf(!isRoot)('of another owner comes back to that owner, with what was made', async () => {
    chownSync(folders.output, 4001, 4002)
    await build(spec(), ['sh', '-c', 'mkdir /gnu/store/x-out && echo made > /gnu/store/x-out/made'])
    for (const name of ['.', 'x-out', 'x-out/made']) expect(lstatSync(store(name))).toMatchObject({ uid: 4001, gid: 4002 })
  })

  test('gives its inputs away to nobody: they are neither removed, renamed nor covered', async () => {
    await using session = await openSession(spec())
    const script = 'cd /gnu/store; rmdir abc-foo || echo kept; mv abc-foo other || echo kept; rm -f def-bar.txt || echo kept; ln -sf /tmp abc-foo; cat abc-foo/given.txt; cat def-bar.txt'
    expect((await session.run(['sh', '-c', script], { reject: false })).stdout).toBe('kept\nkept\nkept\ngiven\ngiven')
  })

  // An ordinary user's build is that user, whom no sticky bit stops.
  // promise: 16
  test.skipIf(!isRoot)('keeps what was in it before, which the build can read and not change', async () => {
    mkdirSync(store('old'))
    writeFileSync(store('old/file'), 'old\n')
    const script = 'cd /gnu/store; cat old/file; rm -rf old || echo kept; mv old new || echo kept; echo no > old/file || echo kept'
    expect((await build(spec(), ['sh', '-c', script])).stdout).toBe('old\nkept\nkept\nkept')
    expect(readFileSync(store('old/file'), 'utf8')).toBe('old\n')
  })

  // promise: 16
  test.skipIf(!isRoot)('keeps what a build made in it, whatever modes that gave it', async () => {
    await build(spec(), ['sh', '-c', 'umask 0; cd /gnu/store; mkdir x-out; echo made > x-out/made; echo made > y-out'])
    const script = 'cd /gnu/store; for one in x-out/made y-out; do echo no >> $one || echo kept; rm -f $one || echo kept; done; touch x-out/new || echo kept'
    expect((await build(spec(), ['sh', '-c', script])).stdout).toBe('kept\nkept\nkept\nkept\nkept')
    expect(statSync(store('x-out')).mode & 0o7777).toBe(0o755)
    expect(readFileSync(store('x-out/made'), 'utf8')).toBe('made\n')
  })

  // promise: 16
  test('is shut to others of the host while a session has it, and sticky for a build that is not the caller', async () => {
    await using session = await openSession(spec())
    expect(statSync(folders.output).mode & 0o7777).toBe(isRoot ? 0o1770 : 0o700)
    await session.run(['true'])
  })

  // promise: 16
  test.skipIf(!isRoot)('lets nobody in whom its access list names, and gets the list back', async (context) => {
    const [program = '', ...words] = onHost('planter', 'list', folders.output)
    context.skip(spawnSync(program, words, { encoding: 'utf8' }).stdout !== 'ok\n', 'the file system of the folders has no access lists')
    // The mode bounds what the list gives.
    chmodSync(folders.output, 0o700)
    const touchedBy = (uid: number): boolean => spawnSync('touch', [store('touched')], { uid, gid: 4322 }).status === 0
    expect(touchedBy(4321)).toBe(false)
    const session = await openSession(spec())
    await session.run(['touch', '/gnu/store/made'])
    expect([touchedBy(4321), readdirSync(folders.output).includes('touched')]).toEqual([false, false])
    await session.close()
    expect([statSync(folders.output).mode & 0o7777, touchedBy(4321)]).toEqual([0o700, false])
    chmodSync(folders.output, 0o770)
    expect([touchedBy(4321), touchedBy(4323)]).toEqual([true, false])
  })

  test('is one session’s at a time, like an output, and more of a pool', async () => {
    await using pool = await SessionPool.open({}, { size: 1 })
    const session = await pool.acquire(spec())
    await expect(openSession(spec())).rejects.toMatchObject({ code: 'EBUSY', step: 'output-lease' })
    expect((await session.run(['ls', '/gnu/store/abc-foo'])).stdout).toBe('given.txt')
    await session.close()
    expect(readdirSync(folders.output)).toEqual([])
  })

  test('may lie in a folder that is made for it, and beside others', async () => {
    const other = path.join(folders.top, 'other')
    mkdirSync(other)
    const { stdout } = await build({ stores: { '/a/store': folders.output, '/b': other } }, ['sh', '-c', 'touch /a/store/x /b/y; ls /a/store /b'])
    expect(stdout).toBe('/a/store:\nx\n\n/b:\ny')
  })

  test('is named by its place inside', async () => {
    await expect(openSession({ stores: { store: folders.output } })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_NAME', entry: 'stores.store' })
  })
})
