import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { build, openSession, planOf, recover, SessionPool, type Copied, type Session, type Spec } from '../../src/index.ts'
import { mountTable } from '../../src/freebsd/index.ts'
import { descendantsOf, isRunning, watchersOf } from './controlled.ts'
import { probe } from '../probe/compiled-probe.ts'
import { buildjailRun, Person } from './person.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { rejected } from './rejected.ts'

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))
const long = 64 * 1024 * 1024

const isRoot = process.geteuid?.() === 0
const users: readonly Spec['user'][] = isRoot ? [undefined, 'root'] : [undefined]
// Where there is overlayfs, it takes no folder of a ramfs for root, and for others none that belongs to another of their groups.
const otherGroup = process.getgroups?.().find((group) => group !== process.getegid?.())
const canForce = isFreebsd || isRoot || otherGroup !== undefined
if (!canForce) console.warn('skipped, as this user has no second group: nothing keeps a folder from being an overlay')

/** Owner, group, mode, time and name, of each file; time and target of a link; owner's number. */
const stat = isFreebsd
  ? { all: 'stat -f "%Su %Sg %Lp %m %N"', link: 'stat -f "%m %Y"', owner: 'stat -f %Su', number: 'stat -f %u' }
  : { all: 'stat -c "%U %G %a %Y %n"', link: 'f() { echo "$(stat -c %Y $1) $(readlink $1)"; }; f', owner: 'stat -c %U', number: 'stat -c %u' }

/** All that can be told of a tree, but for the times of access: to copy a file is to read it. */
function told(top: string): Record<string, string> {
  const files = ['.', ...readdirSync(top, { recursive: true, encoding: 'utf8' }).toSorted()]
  return Object.fromEntries(files.map((name) => {
    const file = path.join(top, name)
    const { mode, uid, gid, size, ino, mtimeNs, ctimeNs, nlink } = lstatSync(file, { bigint: true })
    const found = lstatSync(file)
    const content = found.isFile() ? readFileSync(file, 'utf8') : found.isSymbolicLink() ? readlinkSync(file) : ''
    return [name, [mode.toString(8), uid, gid, size, ino, mtimeNs, ctimeNs, nlink, content].join(' ')]
  }))
}

/** The top folder of a tmpfs that a process holds: mounted nowhere yet, or in a session alone. */
function heldBy(pid: number): string | undefined {
  const folder = `/proc/${pid}/fd`
  try {
    const found = readdirSync(folder).find((fd) => /^\/(copied)?$/.test(readlinkSync(`${folder}/${fd}`)) && statSync(`${folder}/${fd}`).dev !== statSync('/').dev)
    return found === undefined ? undefined : `${folder}/${found}`
  } catch {
    // One of them, or the process, is gone.
    return undefined
  }
}

const describeCopies = canForce ? describeSession : describeSession.skip

describeCopies('an input that is an overlay, where there are none', () => {
  const folders = useFolders()
  let source = ''
  const write = (name: string, text: string | Buffer, mode = 0o644): void => {
    mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
    writeFileSync(path.join(source, name), text)
    chmodSync(path.join(source, name), mode)
  }
  beforeEach(() => {
    const around = path.join(folders.top, 'around')
    source = path.join(around, 'project')
    mkdirSync(around)
    if (isRoot && !isFreebsd) expect(spawnSync('mount', ['-t', 'ramfs', '-o', 'mode=755', 'ramfs', around])).toMatchObject({ status: 0 })
    mkdirSync(source)
    write('Makefile', 'all:\n')
    write('configure', '#!/bin/sh\necho configured\n', 0o755)
    write('private', 'private\n', 0o600)
    write('src/a.c', 'int a;\n')
    write('src/deep/b.c', 'int b;\n')
    write('node_modules/one/index.js', 'one\n')
    symlinkSync('src/a.c', path.join(source, 'link'))
    chmodSync(path.join(source, 'src/deep'), 0o700)
    for (const name of ['.', ...readdirSync(source, { recursive: true, encoding: 'utf8' })]) if (name !== 'link') utimesSync(path.join(source, name), 1_700_000_000, 1_700_000_000)
    if (!isRoot) for (const name of ['.', 'src', 'Makefile']) chownSync(path.join(source, name), -1, otherGroup as number)
  })
  afterEach(() => {
    if (isRoot && !isFreebsd) spawnSync('umount', [path.dirname(source)])
  })
  const spec = (more: Spec = {}): Spec => ({ inputs: { '/w': { path: source, overlay: true } }, cwd: '/w', ...more })
  /** Where the host finds the copy. On Linux it has no name: a program holds its top folder. */
  const copyOf = async (pid: number): Promise<string | undefined> => (isFreebsd ? (await mountTable()).find(({ on, type }) => type === 'tmpfs' && on.endsWith('/copied'))?.on : heldBy(pid))
  const isCopying = (pid: number = process.pid): Promise<void> => expect.poll(() => copyOf(pid), { timeout: 30_000, interval: 1 }).toBeDefined()
  const large = (): Spec => {
    if (existsSync(path.join(source, 'large'))) return { inputs: { '/copied': { path: source, overlay: true } } }
    write('large', Buffer.alloc(long, 'x'))
    // Each name is a file of its own in the copy.
    const more = isFreebsd ? 0 : 10
    for (let index = 0; index < more; index += 1) linkSync(path.join(source, 'large'), path.join(source, `large${index}`))
    return { inputs: { '/copied': { path: source, overlay: true } } }
  }

  // promise: 50
  test.each(users)('is a copy: the build does there what its owner may (user %s), and nothing of that comes to the source or stays', async (user) => {
    const state = await hostState()
    const before = told(source)
    const script = `
      set -e
      ./configure; cat private link src/deep/b.c
      echo more >> src/a.c; : > Makefile; echo private too >> private
      mv configure moved; mv src/deep/b.c src/a.h; mv moved src/a.c
      rm link; ln -s a.h src/link; ln src/a.h hard; chmod 600 src/a.h
      rm -r node_modules; mkdir -p node_modules/two; echo two > node_modules/two/index.js
      mkdir -p dist/deep; echo made > dist/deep/made; mv dist out; rmdir src/deep; mv src source
      find . | sort; cat source/a.c hard`
    const { stdout } = await build(spec(user === undefined ? {} : { user }), ['sh', '-c', script])
    expect(stdout.split('\n')).toEqual([
      'configured', 'private', 'int a;', 'int b;',
      '.', './Makefile', './hard', './node_modules', './node_modules/two', './node_modules/two/index.js', './out', './out/deep', './out/deep/made', './private', './source', './source/a.c', './source/a.h', './source/link',
      '#!/bin/sh', 'echo configured', 'int b;',
    ])
    expect(told(source)).toEqual(before)
    await expectSameState(state)
  })

  // promise: 50
  test.runIf(isRoot)('belongs to the build, with its modes and times and no set-id bits; what belongs to others stays theirs', async () => {
    chmodSync(path.join(source, 'configure'), 0o6755)
    write('src/others', 'others\n', 0o600)
    for (const name of ['.', ...readdirSync(source, { recursive: true, encoding: 'utf8' })]) if (name !== 'link') chownSync(path.join(source, name), 4001, 4002)
    chmodSync(path.join(source, 'configure'), 0o6755)
    chownSync(path.join(source, 'src/others'), 0, 0)
    const script = `${stat.all} . Makefile configure private src/deep; ${stat.link} link; ${stat.number} src/others; cat private; cat src/others || echo shut; rm src/others && echo removed; find . ! -user build ! -type l`
    const { stdout } = await build(spec(), ['sh', '-c', script])
    const at = 1_700_000_000
    const link = Math.floor(lstatSync(path.join(source, 'link')).mtimeMs / 1000)
    expect(stdout.split('\n')).toEqual([`build build 755 ${at} .`, `build build 644 ${at} Makefile`, `build build 755 ${at} configure`, `build build 600 ${at} private`, `build build 700 ${at} src/deep`, `${link} src/a.c`, isFreebsd ? '0' : '65534', 'private', 'shut', 'removed'])
  })

  // promise: 50
  test.skipIf(isRoot)('is refused where this user may not read all of it, and nothing of the source is opened for that', async () => {
    for (const [name, mode] of [['private', 0], ['src/deep', 0], ['src/deep', 0o600], ['.', 0o300]] as const) {
      const file = path.join(source, name)
      const { mode: own } = statSync(file)
      chmodSync(file, mode)
      const before = lstatSync(file, { bigint: true }).ctimeNs
      expect(await rejected(build(spec(), ['true']))).toMatchObject({ code: 'EACCES', path: expect.stringContaining(file === `${source}/.` ? source : file) as string, ...(name !== '.' && { step: 'copy', dest: '/w', remedy: expect.stringContaining('exclude') as string }) })
      expect(lstatSync(file, { bigint: true }).ctimeNs).toBe(before)
      if (name === 'src/deep' && mode === 0) expect((await build(spec({ inputs: { '/w': { path: source, overlay: true, exclude: ['src/deep/'] } } }), ['ls', '-A', 'src'])).stdout).toBe('a.c\ndeep')
      chmodSync(file, own)
    }
  })

  // promise: 50
  test('follows no link, and has no sockets, fifos and devices', async () => {
    symlinkSync(folders.input, path.join(source, 'elsewhere'))
    spawnSync('mkfifo', [path.join(source, 'fifo')])
    const { stdout } = await build(spec(), ['sh', '-c', 'ls; test -L elsewhere && cat elsewhere/given.txt 2>/dev/null || echo nothing'])
    expect(stdout.split('\n')).toEqual(['Makefile', 'configure', 'elsewhere', 'link', 'node_modules', 'private', 'src', 'nothing'])
  })

  // promise: 50
  test('has nothing of another folder, to which links lead that come into the source while it is copied', async () => {
    // In the same file system: the walk leaves none.
    const [elsewhere, aside] = ['elsewhere', 'aside'].map((name) => path.join(path.dirname(source), name)) as [string, string]
    mkdirSync(path.join(elsewhere, 'secret'), { recursive: true })
    writeFileSync(path.join(elsewhere, 'secret/key'), 'key')
    mkdirSync(aside)
    const many = Array.from({ length: 40 }, (_, index) => String(index))
    write('flat/plain', Buffer.alloc((isFreebsd ? 1 : 8) * 1024 * 1024, 'x'))
    for (const one of many) {
      mkdirSync(path.join(source, 'many', one, 'secret'), { recursive: true })
      for (const name of [`many/${one}/secret/plain`, `flat/${one}`]) linkSync(path.join(source, 'flat/plain'), path.join(source, name))
    }
    const opening = openSession({ inputs: { '/copied': { path: source, overlay: true } }, cwd: '/copied' })
    await isCopying()
    const copy = await copyOf(process.pid)
    // The names of all folders are read by then, and most of them are still to be entered.
    await expect.poll(() => existsSync(`${copy}/many`) && readdirSync(`${copy}/many`).length > 0, { timeout: 30_000, interval: 1 }).toBe(true)
    for (const one of many) {
      renameSync(path.join(source, 'many', one), path.join(aside, one))
      symlinkSync(elsewhere, path.join(source, 'many', one))
      rmSync(path.join(source, 'flat', one))
      symlinkSync(path.join(elsewhere, 'secret/key'), path.join(source, 'flat', one))
    }
    await using session = await opening
    const [count, ...keys] = (await session.run(['sh', '-c', 'find many -name plain | wc -l; find . -name key; find . -type f -size -9c -path "*flat*"'])).stdout.split('\n')
    expect(keys).toEqual([])
    expect(Number(count)).toBeGreaterThan(0)
    expect(Number(count)).toBeLessThan(many.length)
  })

  // promise: 50
  test('leads to nothing of its source, and no other name in the session does', async () => {
    write('src/marker', 'marker\n')
    const { dev, ino } = statSync(path.join(source, 'src/marker'))
    const script = `
      ${isFreebsd ? 'true' : 'grep -c "$1" /proc/self/mountinfo'}; find / -name marker 2>/dev/null
      ls -d "$1" 2>/dev/null; for way in /w/.. /w/src/../../..; do ls -A $way | grep -c '^tmp$'; done
      ${isFreebsd ? 'stat -f %d:%i' : 'stat -c %d:%i'} src/marker; mount -o remount,dev,suid /w 2>/dev/null && echo remounted; umount /w 2>/dev/null && echo gone; true`
    for (const user of users) {
      const { stdout } = await build(spec(user === undefined ? {} : { user }), ['sh', '-c', script, 'sh', source])
      const lines = stdout.split('\n')
      expect(lines.at(-1)).not.toBe(`${dev}:${ino}`)
      expect(lines.slice(0, -1)).toEqual([...(isFreebsd ? [] : ['0']), '/w/src/marker', '1', '1'])
    }
  })

  test('has not what is excluded, which takes no room either', async () => {
    write('.env', 'SECRET=1')
    write('node_modules/one/large', Buffer.alloc(4 * 1024 * 1024))
    const { stdout } = await build(spec({ inputs: { '/w': { path: source, overlay: true, exclude: ['.env', 'node_modules/', 'missing/'] } }, limits: { tmpSize: '2M' } }), ['sh', '-c', 'cat .env; ls -A node_modules missing; echo a > .env || echo shut; df -k . | tail -1 | awk "{ print (\\$3 < 100) }"'])
    expect(stdout.split('\n')).toEqual(['missing:', '', 'node_modules:', 'shut', '1'])
  })

  // promise: 50
  test('is refused before anything runs where it has no room, with what to do', async () => {
    const state = await hostState()
    write('large', Buffer.alloc(2 * 1024 * 1024))
    const small = spec({ output: folders.output, limits: { tmpSize: '1M' } })
    const error = await rejected(build(small, ['touch', '/output/ran']))
    expect(error).toMatchObject({ code: 'ENOSPC', step: 'copy', path: path.join(source, 'large'), dest: '/w', remedy: expect.stringContaining('limits.tmpSize') as string, message: expect.stringContaining('room for 1048576 bytes') as string })
    rmSync(path.join(source, 'large'))
    for (let index = 0; index < 64; index += 1) write(`many/${index}`, '')
    await expect(build(spec({ output: folders.output, limits: { tmpFiles: 32 } }), ['touch', '/output/ran'])).rejects.toMatchObject({ code: 'ENOSPC', step: 'copy', dest: '/w' })
    expect(readdirSync(folders.output)).toEqual([])
    await expectSameState(state)
  })

  test('takes no more room than /tmp has, and a neighbour has its own', async () => {
    write('large', Buffer.alloc(3 * 1024 * 1024))
    await using session = await openSession(spec({ limits: { tmpSize: '4M' } }))
    await using neighbour = await openSession(spec({ limits: { tmpSize: '4M' } }))
    const run = async (of: Session, script: string): Promise<string> => (await of.run(['sh', '-c', script], { reject: false, stderr: 'ignore' })).stdout
    expect(await run(session, 'head -c 2M /dev/zero > more || echo full; rm -f more large; head -c 2M /dev/zero > more && echo fits')).toBe('full\nfits')
    expect(await run(neighbour, 'wc -c < large; echo a >> large && echo goes on')).toMatch(/3145728\ngoes on$/)
  })

  test('is copied no further once its opening is aborted', async () => {
    const state = await hostState()
    for (const opening of [(signal: AbortSignal) => openSession(large(), { signal }), (signal: AbortSignal) => build(large(), ['true'], { signal })]) {
      const aborting = new AbortController()
      const outcome = rejected(Promise.resolve(opening(aborting.signal)))
      await isCopying()
      aborting.abort(new Error('enough'))
      expect(String(await outcome)).toContain('enough')
      await expectSameState(state)
    }
  })

  test('tells how much of it is copied, while it is copied and no longer', async () => {
    const heard: Copied[] = []
    await using session = await openSession(large(), { onCopying: (copied) => heard.push(copied) })
    const { length } = heard
    expect(heard).toEqual(heard.toSorted((one, other) => one.bytes - other.bytes))
    expect(heard.at(-1)?.files).toBeGreaterThan(-1)
    expect(heard.at(-1)?.bytes).toBeGreaterThan(0)
    await session.run(['sleep', '0.5'])
    expect(heard.length).toBe(length)
    await expect(openSession(large(), { onCopying: 'told' as never })).rejects.toThrow('onCopying: must be a function')
  })

  test('is no project that run --here advises to apply to', () => {
    const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
    const { status, stderr } = spawnSync(process.execPath, [main, 'run', '--project', source, 'sh', '-c', 'echo > made'], { cwd: source, encoding: 'utf8' })
    expect([status, stderr.split('\n').find((line) => line.includes('thrown away'))]).toEqual([0, `buildjail: thrown away in ${source}: 1 added (1 bytes), in the folder itself (1); --out FOLDER keeps one`])
  })

  test.skipIf(!('folder' in probe))('shows at a terminal how much is copied, until the command begins', async () => {
    writeFileSync(path.join(folders.top, 'spec.json'), JSON.stringify(large()))
    const one = new Person('012', buildjailRun('--file', path.join(folders.top, 'spec.json'), 'echo', 'begun'))
    expect((await one.ended()).end, one.shown).toBe('status 0')
    const anew = String.raw`\r\u001b\[K`
    const warning = isFreebsd ? '' : String.raw`[^\r]*buildjail:[^\r]* no overlay of [^\r]*\r\n`
    expect(one.shown).toMatch(new RegExp(`^(${anew}copying {2}\\d+ files, \\d+ MiB)+${anew}${warning}begun\r\n$`))
  })

  test('is nowhere after its program was killed while it was copied', async () => {
    const state = await hostState()
    for (const isWatched of [true, false]) {
      const program = spawn(process.execPath, [controller, JSON.stringify({ ...large(), output: folders.output })], { stdio: ['ignore', 'pipe', 'inherit'] })
      let hasOpened = false
      program.stdout.once('data', () => (hasOpened = true))
      await isCopying(program.pid)
      // The copy may end while its processes are looked for.
      program.kill('SIGSTOP')
      const inside = descendantsOf(program.pid as number)
      if (!isWatched) for (const watcher of watchersOf(program.pid as number)) process.kill(watcher, 'SIGKILL')
      program.kill('SIGKILL')
      await once(program, 'exit')
      expect(hasOpened).toBe(false)
      // On Linux nothing of it but the journal has a name.
      if (!isWatched) expect(await recover()).toMatchObject({ recovered: isFreebsd ? [{}] : [], leftAlone: [] })
      await expect.poll(() => copyOf(program.pid as number), { timeout: 20_000 }).toBeUndefined()
      await expect.poll(() => inside.filter(isRunning), { timeout: 20_000 }).toEqual([])
      // The watcher's recovery ends with the leases.
      await expect.poll(async () => [(await hostState()).stateFolder, (await hostState()).leases], { timeout: 20_000 }).toEqual([state.stateFolder, state.leases])
      await expectSameState(state)
    }
  })

  test('may have others in it, where there is a folder for them and where there is none', async () => {
    const before = told(source)
    const nested = spec({ outputs: { '/w/dist/lib': folders.output }, inputs: { '/w': { path: source, overlay: true }, '/w/src/deep': folders.input, '/w/new/given.txt': path.join(folders.input, 'given.txt'), '/w/src/own': { path: folders.input, overlay: true } } })
    const script = `ls . src src/deep; cat new/given.txt; echo kept > dist/lib/kept; echo b > dist/b; echo no > src/deep/no || echo shut; echo a >> src/own/given.txt; cat src/own/given.txt; ${stat.owner} dist new`
    const { stdout } = await build(nested, ['sh', '-c', script])
    expect(stdout.split('\n')).toEqual(['.:', 'Makefile', 'configure', 'dist', 'link', 'new', 'node_modules', 'private', 'src', '', 'src:', 'a.c', 'deep', 'own', '', 'src/deep:', 'given.txt', 'given', 'shut', 'given', 'a', 'build', 'build'])
    expect(readdirSync(folders.output)).toEqual(['kept'])
    expect(told(source)).toEqual(before)
    mkdirSync(path.join(source, 'dist'))
    await build({ inputs: { '/w': source, '/w/src': { path: path.join(source, 'src'), overlay: true } }, outputs: { '/w/dist': path.join(source, 'dist') }, cwd: '/w' }, ['sh', '-c', 'echo a > src/a.o; cp src/a.o dist'])
    await build(spec({ outputs: { '/w/dist': path.join(source, 'dist') }, ...(isRoot && { user: { uid: 4001, gid: 4001 } }) }), ['sh', '-c', 'echo b > src/b.o; cp src/b.o dist'])
    expect([readdirSync(path.join(source, 'dist')).toSorted(), readdirSync(path.join(source, 'src')).toSorted()]).toEqual([['a.o', 'b.o'], ['a.c', 'deep']])
  })

  // promise: 50
  test('has no mount point made through a link that came into its source since the plan was made', async () => {
    const plan = planOf(spec({ outputs: { '/w/dist/lib': folders.output } }))
    for (const to of [folders.input, '/tmp', '..', 'src']) {
      symlinkSync(to, path.join(source, 'dist'))
      await expect(openSession(plan)).rejects.toMatchObject({ step: 'mount-point' })
      rmSync(path.join(source, 'dist'))
    }
    expect([readdirSync(folders.input), readdirSync(path.join(source, 'src')).toSorted()]).toEqual([['given.txt'], ['a.c', 'deep']])
  })

  test.runIf(isRoot)('is refused where something is mounted in it, and where it is another folder by now', async () => {
    const at = path.join(source, 'src/deep')
    expect(spawnSync('mount', [...(isFreebsd ? ['-t', 'nullfs'] : ['--bind']), folders.input, at], { encoding: 'utf8' })).toMatchObject({ status: 0 })
    try {
      expect(await rejected(build(spec(), ['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_OVERLAY_UNSUPPORTED', message: expect.stringContaining(`${at} is mounted in the folder`) as string })
      const instead = spec({ inputs: { '/w': { path: source, overlay: true }, '/w/src/deep': at } })
      expect((await build(instead, ['cat', 'src/deep/given.txt'])).stdout).toBe('given')
    } finally {
      spawnSync('umount', [at])
    }
    const plan = planOf(spec())
    renameSync(source, `${source}.before`)
    symlinkSync(folders.input, source)
    await expect(openSession(plan)).rejects.toMatchObject({ step: 'pin-source' })
  })

  test('is in the base of a pool, in what is added, and in both; each build has it as it was', async () => {
    const before = told(source)
    const script = ['sh', '-c', 'for d in /w /v; do test ! -d $d || { ! test -e $d/made && echo a >> $d/src/a.c && echo m > $d/made && cat $d/src/a.c; }; done']
    const overlay = { path: source, overlay: true }
    for (const [base, added] of [[{ '/w': overlay }, {}], [{}, { '/w': overlay }], [{ '/v': overlay }, { '/w': overlay, '/v/own/deep': folders.input }]] as const) {
      await using pool = await SessionPool.open({ inputs: base }, { size: 1 })
      const times = new Set([...Object.keys(base), ...Object.keys(added).filter((one) => one.length === 2)]).size
      for (let round = 0; round < 2; round += 1) expect((await pool.run({ inputs: added }, script)).stdout).toBe('int a;\na\n'.repeat(times).trimEnd())
    }
    expect(told(source)).toEqual(before)
  })

  // promise: 50
  test('is what the plan and the record say, and what is kept of a build that failed', async () => {
    const plan = planOf(spec({ keep: path.join(folders.top, 'kept') }))
    // Of a folder in a ramfs only opening finds out.
    expect(plan.mounts.find(({ target }) => target === '/w')).toMatchObject({ kind: isRoot && !isFreebsd ? 'overlay' : 'copy', source, writable: true, entry: 'inputs./w' })
    await using session = await openSession(plan)
    expect(session.plan.mounts.find(({ target }) => target === '/w')).toEqual({ ...plan.mounts.find(({ target }) => target === '/w'), kind: 'copy' })
    const why = { entry: 'inputs./w', problem: expect.stringMatching(new RegExp(`^no overlay of ${source} at /w: .*; each session copies the folder into memory instead$`)) as string }
    expect(session.plan.warnings).toEqual(isFreebsd ? [] : [why])
    await expect(session.applyChanges()).rejects.toThrow('/w is a copy, because this host has no overlay for it, and a copy cannot be applied')
    const { mounts, root } = await session.record()
    expect(mounts.find(({ on }) => on === `${root}/w`)).toMatchObject({ type: 'tmpfs', flags: expect.arrayContaining(isFreebsd ? ['nosuid'] : ['nosuid', 'nodev']) as string[] })
    const { kept } = await build(plan, ['sh', '-c', 'echo more >> src/a.c; echo log > log; rm Makefile; exit 3'], { reject: false })
    expect(readFileSync(path.join(kept?.path ?? '', 'w/src/a.c'), 'utf8')).toBe('int a;\nmore\n')
    expect(readdirSync(path.join(kept?.path ?? '', 'w')).toSorted()).toEqual(['configure', 'link', 'log', 'node_modules', 'private', 'src'])
  })

  test('tells what was changed in it, and nothing of what is mounted there', async () => {
    await using session = await openSession(spec({ inputs: { '/w': { path: source, overlay: true, exclude: ['node_modules/'] }, '/w/src/deep': folders.input } }))
    const nothing = { target: '/w', source, added: 0, changed: 0, removed: 0, bytes: 0, folders: [], isWhole: true }
    expect(await session.changes()).toEqual([nothing])
    await session.run(['sh', '-c', 'echo 12345 > new; echo b >> src/a.c; chmod 755 Makefile; touch -t 200102030405 private; rm link; ln -s nowhere link; rm configure; mkdir -p made/deep; echo 1 > made/deep/one'])
    const [changes] = await session.changes()
    expect(changes).toMatchObject({ added: 4, changed: 4, removed: 1, isWhole: true })
    expect(changes?.folders.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([{ name: '.', count: 6 }, { name: 'made', count: 2 }, { name: 'src', count: 1 }])
  })
})
