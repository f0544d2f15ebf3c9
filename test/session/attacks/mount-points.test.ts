import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { build, openSession, planOf, recover, type Spec } from '../../../src/index.ts'
import { watchersOf } from '../controlled.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { copyOfPackage } from '../package-copy.ts'
import { describeAttack, hostProgram, isRoot } from './attack.ts'

interface Ids {
  readonly uid: number
  readonly gid: number
}

const alice = { uid: 4001, gid: 4001 }
/** The host program's ids, where they are not this process's. On FreeBSD sessions are root's. */
const callers: readonly (readonly [string, Ids | undefined])[] = [
  [isRoot ? 'root' : 'this user', undefined],
  ...(isRoot && !isFreebsd ? [['an ordinary user', { uid: 65_534, gid: 65_534 }] as const] : []),
]
const shutting = callers.flatMap(([caller, ids]) =>
  (['folder', 'build', 'unchanged'] as const).flatMap((ownership) => ([false, true] as const).map((isKilled) => [isKilled ? 'is killed with its watcher' : 'closes', caller, ownership, ids, isKilled] as const)),
)

describeAttack('a mount point', () => {
  const folders = useFolders()
  const inOutput = (...names: string[]): string => path.join(folders.output, ...names)
  const elsewhere = (): string => {
    const folder = path.join(folders.top, 'elsewhere')
    mkdirSync(folder, { recursive: true })
    return folder
  }

  // promise: 4
  test('that an earlier build left as a link leads a later session nowhere', async () => {
    const plan = planOf({ stores: { '/store': folders.output }, inputs: { '/store/a': folders.input, '/store/f': path.join(folders.input, 'given.txt') } })
    const outside = elsewhere()
    for (const script of [`ln -s ${outside} /store/a`, `ln -s ${outside}/f /store/f`, 'touch /store/a', 'mkdir /store/f']) {
      await build({ stores: { '/store': folders.output } }, ['sh', '-c', script])
      await expect(openSession(plan)).rejects.toMatchObject({ step: 'mount-point' })
      for (const name of readdirSync(folders.output)) rmSync(inOutput(name), { recursive: true })
    }
    expect(readdirSync(outside)).toEqual([])
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
    await (await openSession(plan)).close()
    expect(readdirSync(folders.output)).toEqual([])
  })

  test('is not to be removed, renamed or replaced by a build that owns the folder around it', async () => {
    const spec = { outputs: { '/w': folders.output }, inputs: { '/w/in': folders.input } }
    const script = 'cd /w; rmdir in || echo kept; mv in out || echo kept; rm -rf in 2>/dev/null || echo kept; mkdir x; ln -sfn /w/x in/ 2>/dev/null || echo kept; cat in/given.txt'
    expect((await build(spec, ['sh', '-c', script])).stdout).toBe('kept\nkept\nkept\nkept\ngiven')
    // Where mv(1) sees no mount point, it makes a copy.
    expect(readdirSync(folders.output).filter((name) => name !== 'out')).toEqual(['x'])
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
  })

  test('whose folder the build moves is found there, and nothing is left of it but what the build has moved', async () => {
    const spec = { outputs: { '/w': folders.output }, inputs: { '/w/around/in': folders.input } }
    const script = 'cd /w/around/in; mv /w/around /w/other; ls; cd -P ..; pwd -P; ls /w/other/in'
    const { stdout } = await build(spec, ['sh', '-c', script])
    expect(stdout).toBe('given.txt\n/w/other\ngiven.txt')
    expect([readdirSync(folders.output), readdirSync(inOutput('other'))]).toEqual([['other'], []])
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
  })

  test('in a store stays where it is, whatever the build does around it', async () => {
    const spec = { stores: { '/store': folders.output }, inputs: { '/store/around/in': folders.input } }
    const moved = (await build(spec, ['sh', '-c', 'mv /store/around /store/other 2>/dev/null || echo kept; ls /store/around/in || ls /store/other/in'])).stdout
    // An ordinary user’s build owns what the session makes.
    if (isRoot) expect(moved).toBe('kept\ngiven.txt')
    expect(readdirSync(folders.output).filter((name) => name !== 'other')).toEqual([])
  })

  // promise: 4
  test('that somebody of the host makes a link of while sessions open leads out of none of them', async () => {
    const outside = elsewhere()
    const root = path.join(folders.top, 'root')
    mkdirSync(path.join(root, 'dist'), { recursive: true })
    const plan = planOf({ inputs: { '/w': root }, outputs: { '/w/dist': folders.output } })
    const before = statSync(outside)
    const script = `cd ${root}; while :; do mv dist real; ln -s ${outside} dist; rm dist; ln -s ../elsewhere dist; rm dist; mv real dist; done 2>/dev/null`
    const other = spawn('sh', ['-c', script], { stdio: 'ignore' })
    const ended = once(other, 'exit')
    let opened = 0
    try {
      for (let time = 0; time < 40; time += 1) {
        const failure: unknown = await build(plan, ['touch', '/w/dist/made']).then(() => ((opened += 1), undefined), (error: unknown) => error)
        // A folder that was opened may have been moved before the command runs, which then finds nothing by that name.
        if (failure !== undefined) expect(failure).toMatchObject({ step: expect.stringMatching(/^(mount-point|nmount|pin-source|run)$/) as string })
        expect(readdirSync(outside)).toEqual([])
        expect(statSync(outside)).toMatchObject({ dev: before.dev, ino: before.ino })
      }
    } finally {
      other.kill('SIGKILL')
      await ended
    }
    expect(readdirSync(folders.output)).toEqual(opened > 0 ? ['made'] : [])
  })

  // promise: 16
  test.each<[string, (folder: string) => Spec]>([
    ['an output', (folder) => ({ outputs: { '/w': folder } })],
    ['a store', (folder) => ({ stores: { '/w': folder } })],
  ])('in %s goes when the host program and its watcher are killed, and what the build and others put there stays', async (_what, around) => {
    mkdirSync(inOutput('there'))
    mkdirSync(inOutput('empty'))
    const spec: Spec = { ...around(folders.output), inputs: { '/w/in': folders.input, '/w/deep/in': folders.input, '/w/f': path.join(folders.input, 'given.txt'), '/w/there': folders.input }, stateDirectory: path.join(folders.top, 'state') }
    const holder = hostProgram(spec, ['sh', '-c', 'mkdir /w/made; echo made > /w/made/file; echo up; sleep 1000'])
    if (holder.stdout === null || holder.pid === undefined) throw new Error('no stdout')
    await once(holder.stdout, 'data')
    expect(readdirSync(folders.output).toSorted()).toEqual(['deep', 'empty', 'f', 'in', 'made', 'there'])
    for (const watcher of watchersOf(holder.pid)) process.kill(watcher, 'SIGKILL')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const report = await recover({ stateDirectory: spec.stateDirectory ?? '' })
    expect(report.leftAlone).toEqual([])
    expect(readdirSync(folders.output).toSorted()).toEqual(['empty', 'made', 'there'])
    const { uid, gid } = statSync(folders.top)
    for (const name of ['.', 'made', 'made/file']) expect(lstatSync(inOutput(name))).toMatchObject({ uid, gid })
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
  })

  // promise: 16
  test.for(shutting)('in a folder that the build shuts, and lets nobody change, goes when the host program %s (of %s, ownership %s)', async ([, , ownership, ids, isKilled], context) => {
    const home = path.join(folders.top, 'home')
    mkdirSync(home, { mode: 0o700 })
    // A user who is named may have had the folders before.
    const isNamed = isFreebsd && ownership !== 'folder'
    if (isNamed) mkdirSync(inOutput('sub'))
    const owner = isNamed ? alice : ids
    if (ownership === 'unchanged') chmodSync(folders.output, 0o777)
    for (const folder of isNamed ? [folders.output, inOutput('sub')] : [folders.output]) if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
    if (ids !== undefined) chownSync(home, ids.uid, ids.gid)
    const before = statSync(folders.output)
    const stateDirectory = path.join(home, 'state')
    const around = { outputs: { '/w': folders.output }, stateDirectory }
    const spec = { ...around, inputs: { '/w/sub/in': folders.input }, ownership, ...(isNamed && { user: alice }) }
    const command = ['sh', '-c', `touch /w/made; for one in /w/sub /w; do chmod 0 $one; chflags uchg $one; done 2>/dev/null; echo up; ${isKilled ? 'sleep 1000' : 'true'}`]
    const url = copyOfPackage(path.join(folders.top, 'package'))
    const host = (script: string) =>
      spawn(process.execPath, ['--input-type=module', '--eval', `import { build, openSession, recover } from ${JSON.stringify(url)}\n${script}`], {
        ...ids,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...(ids !== undefined && { HOME: home, XDG_RUNTIME_DIR: home }) },
      })
    const [spoken, words] = [JSON.stringify(spec), JSON.stringify(command)]
    const program = host(`const session = await openSession(${spoken}).catch(({ message }) => { console.log(message); process.exit(77) }); await session.run(${words}, { stdout: 'inherit' }); await session.close()`)
    const [ended, complaint] = [once(program, 'close') as Promise<[number | null]>, text(program.stderr)]
    try {
      const [line] = (await once(program.stdout, 'data')) as [Buffer]
      context.skip(ids !== undefined && !String(line).startsWith('up'), `an ordinary user can open no session: ${String(line)}`)
      expect(String(line)).toBe('up\n')
      if (isKilled) {
        expect(existsSync(inOutput('sub', 'in')) || !isRoot).toBe(true)
        for (const watcher of watchersOf(program.pid ?? 0)) process.kill(watcher, 'SIGKILL')
        program.kill('SIGKILL')
        await ended
        const recovering = host(`console.log(JSON.stringify(await recover({ stateDirectory: ${JSON.stringify(stateDirectory)} })))`)
        expect(JSON.parse(await text(recovering.stdout))).toMatchObject({ leftAlone: [] })
      } else {
        expect([await complaint, await ended]).toEqual(['', [0, null]])
      }
      const after = statSync(folders.output)
      if (ownership !== 'unchanged') expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
      if (ownership === 'unchanged' && !isRoot) chmodSync(folders.output, 0o700)
      expect(readdirSync(folders.output).toSorted()).toEqual(isNamed ? ['made', 'sub'] : ['made'])
      // What stays is as the build left it.
      if (isNamed) expect([readdirSync(inOutput('sub')), statSync(inOutput('sub')).mode & 0o777]).toEqual([[], 0])
      if (ownership === 'unchanged') return
      if (isFreebsd) spawnSync('chflags', ['-R', '0', folders.output])
      const again = host(`await build(${JSON.stringify(around)}, ['touch', '/w/again'])`)
      expect([await text(again.stderr), existsSync(inOutput('again'))]).toEqual(['', true])
    } finally {
      program.kill('SIGKILL')
      if (isFreebsd) spawnSync('chflags', ['-R', '0', folders.output])
    }
  })

  // promise: 16
  test('that is not empty any more, or another by now, stays when the session is closed', async () => {
    const session = await openSession({ outputs: { '/w': folders.output }, inputs: { '/w/one': folders.input, '/w/two': folders.input, '/w/three/in': folders.input, '/w/four': folders.input } })
    // As root of the host, or its caller, may do.
    writeFileSync(inOutput('one', 'theirs'), '')
    rmSync(inOutput('two'), { recursive: true })
    symlinkSync('/', inOutput('two'))
    mkdirSync(inOutput('new'))
    rmSync(inOutput('four'), { recursive: true })
    renameSync(inOutput('new'), inOutput('four'))
    await session.close()
    expect(readdirSync(folders.output).toSorted()).toEqual(['four', 'one', 'two'])
    expect(readdirSync(inOutput('one'))).toEqual(['theirs'])
  })
})
