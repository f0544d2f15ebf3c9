import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'

import { build, openSession, planOf, preflight, SessionPool, type Session, type Spec } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { rejected } from './rejected.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

const isRoot = process.geteuid?.() === 0
const users: readonly Spec['user'][] = isRoot ? [undefined, 'root'] : [undefined]

const missing = preflight().limitations.find(({ check }) => check === 'overlay')
if (missing !== undefined && !isFreebsd) console.warn(`skipped, as there are no overlays here: ${missing.problem}; ${missing.remedy}`)

/** All that can be told of a tree: names, contents, modes, owners, times to the nanosecond. */
function told(top: string): Record<string, string> {
  const files = ['.', ...readdirSync(top, { recursive: true, encoding: 'utf8' }).toSorted()]
  return Object.fromEntries(files.map((name) => {
    const file = path.join(top, name)
    const found = lstatSync(file)
    const content = found.isFile() ? readFileSync(file, 'utf8') : found.isSymbolicLink() ? readlinkSync(file) : ''
    // Afterwards, as reading it here sets the time of access, once a day (mount(8), relatime).
    const { mode, uid, gid, size, ino, mtimeNs, ctimeNs, atimeNs, nlink } = lstatSync(file, { bigint: true })
    return [name, [mode.toString(8), uid, gid, size, ino, mtimeNs, ctimeNs, atimeNs, nlink, content].join(' ')]
  }))
}

/** Of a spec with one overlay: each way to open a session has a copy in its place, and says why. */
async function expectCopied(inputs: Spec, why: string): Promise<void> {
  const entry = `inputs.${Object.keys(inputs.inputs ?? {})[0] ?? ''}`
  const warnings = [{ entry, problem: expect.stringMatching(new RegExp(`^no overlay of .*${why}.*; each session copies the folder into memory instead$`)) as string }]
  const target = planOf(inputs).mounts.find((mount) => mount.entry === entry)?.target ?? ''
  const script = ['sh', '-c', `test ! -e ${target}/made && echo made > ${target}/made`]
  const isCopied = (session: Session): void => {
    expect(session.plan.mounts.find((mount) => mount.target === target)?.kind).toBe('copy')
    expect(session.plan.warnings).toEqual(warnings)
  }
  await using session = await openSession(inputs)
  isCopied(session)
  await session.run(script)
  expect(await session.changes()).toMatchObject([{ target, added: 1, changed: 0, removed: 0, isWhole: true }])
  for (let round = 0; round < 2; round += 1) await build(inputs, script)
  await using pool = await SessionPool.open({}, { size: 1 })
  const acquired = await pool.acquire(inputs)
  isCopied(acquired)
  await acquired.run(script)
  pool.release(acquired)
  for (let round = 0; round < 2; round += 1) await pool.run(inputs, script)
  await using based = await SessionPool.open(inputs, { size: 1 })
  for (let round = 0; round < 2; round += 1) await based.run({}, script)
  await using last = await based.acquire()
  isCopied(last)
}

/** What `buildjail run` of an ordinary user with two groups prints. */
function runByOther(folder: string, script: string, ...words: string[]): readonly [stdout: string, stderr: string] {
  const shown = words.length > 0 ? words : ['--input', `/w~=${folder}`, '--cwd', '/w']
  const caller = ['--reuid=4711', '--regid=4711', '--groups=4711,4712', 'env', 'XDG_RUNTIME_DIR=', process.execPath, main, 'run', ...shown, '--', 'sh', '-c', script]
  const { stdout, stderr } = spawnSync('setpriv', caller, { encoding: 'utf8', cwd: folder })
  return [stdout, stderr]
}

describeSession('an input that is an overlay', () => {
  const folders = useFolders()
  let source = ''
  beforeEach(() => {
    source = path.join(folders.top, 'project')
    mkdirSync(path.join(source, 'src/deep'), { recursive: true })
    mkdirSync(path.join(source, 'node_modules/one'), { recursive: true })
    const write = (name: string, text: string, mode: number): void => {
      writeFileSync(path.join(source, name), text)
      chmodSync(path.join(source, name), mode)
    }
    write('Makefile', 'all:\n', 0o644)
    write('configure', '#!/bin/sh\necho configured\n', 0o755)
    write('private', 'private\n', 0o600)
    write('shut', 'shut\n', 0o400)
    write('src/a.c', 'int a;\n', 0o644)
    write('src/deep/b.c', 'int b;\n', 0o644)
    write('node_modules/one/index.js', 'one\n', 0o644)
    symlinkSync('src/a.c', path.join(source, 'link'))
    chmodSync(path.join(source, 'src/deep'), 0o700)
    // Of long ago, so that what is read is noted (mount(8), relatime).
    for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) if (name !== 'link') utimesSync(path.join(source, name), 1_700_000_000, 1_700_000_000)
    utimesSync(source, 1_700_000_000, 1_700_000_000)
  })
  const spec = (more: Spec = {}): Spec => ({ inputs: { '/w': { path: source, overlay: true } }, cwd: '/w', ...more })

  // promise: 50
  test.runIf(!isFreebsd && missing !== undefined)('is a copy where the host has no overlays, and the plan of the session says why', async () => {
    const before = await hostState()
    await expectCopied({ inputs: { '/w': { path: source, overlay: true } } }, missing?.remedy ?? '')
    await expectSameState(before)
  })

  describe.skipIf(isFreebsd || missing !== undefined)('on a host that has them', () => {
    // promise: 50
    test.each(users)('lets a build do there what its owner may (user %s), and nothing of that comes to the source or stays', async (user) => {
      const state = await hostState()
      const before = told(source)
      const more = user === undefined ? {} : { user }
      const script = `
        set -e
        ./configure; cat private shut link src/deep/b.c
        echo more >> src/a.c; : > Makefile; echo private too >> private
        mv configure moved; mv src/deep/b.c src/a.h; mv moved src/a.c
        rm shut link; ln -s a.h src/link; ln src/a.h hard; chmod 600 src/a.h; touch -d 2001-02-03 Makefile
        rm -r node_modules; mkdir -p node_modules/two; echo two > node_modules/two/index.js
        mkdir -p dist/deep; echo made > dist/deep/made; mv dist out; rmdir src/deep
        find . | sort; cat src/a.c hard`
      const { stdout } = await build(spec(more), ['sh', '-c', script])
      expect(stdout.split('\n')).toEqual([
        'configured', 'private', 'shut', 'int a;', 'int b;',
        '.', './Makefile', './hard', './node_modules', './node_modules/two', './node_modules/two/index.js', './out', './out/deep', './out/deep/made', './private', './src', './src/a.c', './src/a.h', './src/link',
        '#!/bin/sh', 'echo configured', 'int b;',
      ])
      expect(told(source)).toEqual(before)
      await expectSameState(state)
    })

    // promise: 50
    test('has been read, and not even the time of that is told in the source', async () => {
      const times = (): bigint[] => ['.', 'src', 'src/a.c', 'configure'].map((name) => lstatSync(path.join(source, name), { bigint: true }).atimeNs)
      const before = times()
      await build(spec(), ['sh', '-c', './configure; ls . src; cat src/a.c'])
      expect(times()).toEqual(before)
      // It would be otherwise.
      told(source)
      expect(times().filter((time, index) => time === before[index])).toEqual([])
    })

    test('belongs to the build, all of it that is its owner’s, and has its modes and times', async () => {
      const { stdout } = await build(spec(), ['sh', '-c', 'stat -c "%U %G %a %Y %n" . Makefile private src/deep; find . ! -user build'])
      expect(stdout.split('\n')).toEqual([`build build 755 1700000000 .`, `build build 644 1700000000 Makefile`, `build build 600 1700000000 private`, `build build 700 1700000000 src/deep`])
    })

    // promise: 50
    test.runIf(isRoot)('is the same where its owner is neither root nor the caller; what belongs to others stays theirs', async () => {
      for (const name of ['.', ...readdirSync(source, { recursive: true, encoding: 'utf8' })]) if (name !== 'link') chownSync(path.join(source, name), 4001, 4002)
      chownSync(path.join(source, 'Makefile'), 4003, 4003)
      chownSync(path.join(source, 'shut'), 0, 0)
      const before = told(source)
      const script = 'stat -c "%u %n" . private Makefile shut; cat private; echo a >> private && echo wrote; echo a >> Makefile || echo others; cat shut || echo shut; rm Makefile && echo removed'
      const { stdout } = await build(spec(), ['sh', '-c', script])
      expect(stdout.split('\n')).toEqual(['35001 .', '35001 private', '65534 Makefile', '65534 shut', 'private', 'wrote', 'others', 'shut', 'removed'])
      expect(told(source)).toEqual(before)
    })

    test.skipIf(isRoot)('is a copy where its owner is not the caller, who is not root', async () => {
      await expectCopied({ inputs: { etc: { path: '/etc/alternatives', overlay: true } } }, 'without root')
      expect(planOf({ inputs: { etc: { path: '/etc/alternatives', overlay: true } } }).warnings).toEqual([{ entry: 'inputs.etc', problem: expect.stringContaining('belongs to the user 0') as string }])
    })

    // promise: 50
    test.runIf(isRoot)('is a copy for an ordinary user, where it is not all that user’s: the command line says so', () => {
      const files = ['.', ...readdirSync(source, { recursive: true, encoding: 'utf8' })].filter((name) => name !== 'link')
      const run = (script: string, ...words: string[]): readonly [string, string] => runByOther(source, script, ...words)
      const script = 'echo a >> src/a.c && echo b > src/deep/made && rm Makefile && tail -n 1 src/a.c'
      for (const [uid, gid, why] of [[4711, 4711, undefined], [4711, 4712, 'belongs to the user 4711 and the group 4712'], [4713, 4712, 'belongs to the user 4713 and the group 4712']] as const) {
        for (const name of files) chownSync(path.join(source, name), uid, gid)
        // All that the group may read.
        for (const [name, mode] of [['private', 0o640], ['shut', 0o640], ['src/deep', 0o750]] as const) chmodSync(path.join(source, name), mode)
        const before = told(source)
        const [stdout, stderr] = run(script)
        expect(stdout).toBe('a\n')
        if (why === undefined) expect(stderr).toBe('')
        else expect(stderr).toMatch(new RegExp(`^buildjail: no overlay of ${source} at /w: the folder ${why}, .*; each session copies the folder into memory instead\n$`))
        expect(told(source)).toEqual(before)
        if (why !== undefined) expect(run(script, '--here', '--apply', '--yes')).toEqual(['', expect.stringContaining('is a copy, because this host has no overlay for it, and a copy cannot be applied')])
      }
      // Neither opened, be it the caller's own, nor left out in silence.
      for (const owner of [4711, 4713]) {
        chownSync(path.join(source, 'src/deep'), owner, 4711)
        chmodSync(path.join(source, 'src/deep'), owner === 4711 ? 0 : 0o700)
        const before = told(source)
        expect(run('true')[1]).toMatch(new RegExp(`EACCES: .*'${source}/src/deep' -> '/w' \\(step copy\\).*name it in exclude`))
        expect(told(source)).toEqual(before)
      }
      // Its own folder, in which a file belongs to another of its groups.
      for (const name of files) chownSync(path.join(source, name), 4711, name === 'Makefile' ? 4712 : 4711)
      const [answer] = run('echo a >> Makefile', '--input', `/w~=${source}`, '--cwd', '/w', '--json')
      expect(JSON.parse(answer)).toMatchObject({ result: { hints: [{ about: 'Makefile', problem: expect.stringContaining('/w/Makefile, or a folder around it, belongs to another user or group') as string }] } })
    })

    // promise: 50
    test('is each session’s own, also of two at once', async () => {
      await using first = await openSession(spec())
      await using second = await openSession(spec({ inputs: { '/w': { path: source, overlay: true }, '/v': { path: source, overlay: true }, '/plain': source } }))
      const write = (word: string): string[] => ['sh', '-c', `for i in 1 2 3 4 5 6 7 8 9; do echo ${word} >> src/a.c; rm -f made; echo ${word} > made; done; cat src/a.c made`]
      const [one, two] = await Promise.all([first.run(write('one')), second.run(write('two'))])
      expect(one.stdout).toBe(`int a;\n${'one\n'.repeat(9)}one`)
      expect(two.stdout).toBe(`int a;\n${'two\n'.repeat(9)}two`)
      expect((await second.run(['sh', '-c', 'cat /v/src/a.c /plain/src/a.c; echo no > /plain/src/a.c || echo shut; echo v > /v/made; cat made'])).stdout).toBe('int a;\nint a;\nshut\ntwo')
    })

    // promise: 50
    test('takes of the room of /tmp, in bytes and in files, and a neighbour has its own', async () => {
      writeFileSync(path.join(source, 'large'), Buffer.alloc(3 * 1024 * 1024))
      const bounded = spec({ limits: { tmpSize: '4M', tmpFiles: 64 } })
      await using session = await openSession(bounded)
      await using neighbour = await openSession(bounded)
      const run = async (script: string): Promise<string> => (await session.run(['sh', '-c', script], { reject: false, stderr: 'ignore' })).stdout
      // A file that is changed is copied as a whole.
      expect(await run('echo a >> large && echo copied; head -c 2M /dev/zero > /tmp/full || echo full; rm -f /tmp/full; head -c 2M /dev/zero > more || echo full; rm more; rm large; head -c 3M /dev/zero > /tmp/fits && echo fits')).toBe('copied\nfull\nfull\nfits')
      const made = Number(await run('rm /tmp/fits; i=0; while true 2>/dev/null > src/$i; do i=$((i + 1)); done; echo $i'))
      expect(made).toBeGreaterThan(16)
      expect(made).toBeLessThanOrEqual(64)
      expect(await run('true > /tmp/one || echo full')).toBe('full')
      expect((await neighbour.run(['sh', '-c', 'echo a >> large && : > /tmp/one && : > src/one && echo goes on'])).stdout).toBe('goes on')
    })

    test('is in one file system to those who walk it, and a file stays the same file when it is changed', async () => {
      const script = 'find . -xdev | wc -l; find . | wc -l; a=$(stat -c "%d %i" src/a.c); echo b >> src/a.c; test "$a" = "$(stat -c "%d %i" src/a.c)" && echo same'
      const [walked, all, same] = (await build(spec(), ['sh', '-c', script])).stdout.split('\n')
      expect([walked, same]).toEqual([all, 'same'])
    })

    test('may have others in it, where there is a folder for them and where there is none', async () => {
      const before = told(source)
      const nested = spec({ outputs: { '/w/dist/lib': folders.output }, inputs: { '/w': { path: source, overlay: true }, '/w/src/deep': folders.input, '/w/new/given.txt': path.join(folders.input, 'given.txt'), '/w/src/own': { path: folders.input, overlay: true } } })
      const script = 'ls . src src/deep; cat new/given.txt; echo kept > dist/lib/kept; echo b > dist/b; echo no > src/deep/no || echo shut; echo a >> src/own/given.txt; cat src/own/given.txt; stat -c %U dist new'
      const { stdout } = await build(nested, ['sh', '-c', script])
      expect(stdout.split('\n')).toEqual(['.:', 'Makefile', 'configure', 'dist', 'link', 'new', 'node_modules', 'private', 'shut', 'src', '', 'src:', 'a.c', 'deep', 'own', '', 'src/deep:', 'given.txt', 'given', 'shut', 'given', 'a', 'build', 'build'])
      expect(readdirSync(folders.output)).toEqual(['kept'])
      expect(told(source)).toEqual(before)
      expect(readFileSync(path.join(folders.input, 'given.txt'), 'utf8')).toBe('given\n')
    })

    // promise: 50
    test('has no mount point made through a link that came into its source since the plan was made', async () => {
      const plan = planOf(spec({ outputs: { '/w/dist/lib': folders.output } }))
      for (const to of [folders.input, '/tmp', '..', 'src']) {
        symlinkSync(to, path.join(source, 'dist'))
        await expect(openSession(plan)).rejects.toMatchObject({ step: 'mount-point' })
        rmSync(path.join(source, 'dist'))
      }
      expect([readdirSync(folders.input), readdirSync(path.join(source, 'src'))]).toEqual([['given.txt'], ['a.c', 'deep']])
    })

    test('may lie in another, and have an output of its own source in it', async () => {
      const dist = path.join(source, 'dist')
      mkdirSync(dist)
      const { stdout } = await build({ inputs: { '/w': source, '/w/src': { path: path.join(source, 'src'), overlay: true } }, outputs: { '/w/dist': dist }, cwd: '/w' }, ['sh', '-c', 'echo a > src/a.o; cp src/a.o dist; echo no > no || echo shut'])
      expect(stdout).toBe('shut')
      await build(spec({ outputs: { '/w/dist': dist } }), ['sh', '-c', 'echo b > src/b.o; cp src/b.o dist'])
      expect([readdirSync(dist), readdirSync(path.join(source, 'src'))]).toEqual([['a.o', 'b.o'], ['a.c', 'deep']])
    })

    test('is in the base of a pool, in what is added, and in both; each build has it as it was', async () => {
      const before = told(source)
      const script = ['sh', '-c', 'for d in /w /v; do test ! -d $d || { ! test -e $d/made && echo a >> $d/src/a.c && echo m > $d/made && cat $d/src/a.c; }; done; touch /tmp/a; ls /tmp; ls -ld /tmp']
      const overlay = { path: source, overlay: true }
      for (const [base, added] of [[{ '/w': overlay }, {}], [{}, { '/w': overlay }], [{ '/v': overlay }, { '/w': overlay }]] as const) {
        await using pool = await SessionPool.open({ inputs: base }, { size: 1 })
        const times = Object.keys({ ...base, ...added }).length
        for (let round = 0; round < 2; round += 1) {
          const { stdout } = await pool.run({ inputs: added }, script)
          expect(stdout).toMatch(new RegExp(`^${'int a;\\na\\n'.repeat(times)}a\\ndrwxrwxrwt`))
        }
      }
      expect(told(source)).toEqual(before)
      await using pool = await SessionPool.open({ inputs: { '/tmp/in': folders.input } }, { size: 1 })
      await expect(pool.run({ inputs: { '/w': overlay } }, script)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', entry: 'inputs./w' })
      expect((await build({ inputs: { '/w': overlay, '/tmp/in': folders.input } }, ['sh', '-c', 'cat /tmp/in/given.txt; ls /tmp; echo a > /w/a; cat /w/a'])).stdout).toBe('given\nin\na')
    })

    // promise: 50
    test('is what the plan and the record say, with no name of the host where a build can see it', async () => {
      const plan = planOf(spec())
      expect(plan.mounts.find(({ target }) => target === '/w')).toMatchObject({ kind: 'overlay', source, writable: true, entry: 'inputs./w' })
      await using session = await openSession(plan)
      const { mounts, root } = await session.record()
      expect(mounts.find(({ on }) => on === `${root}/w`)).toMatchObject({ type: 'overlay', flags: expect.arrayContaining(['rw', 'nosuid', 'nodev']) as string[] })
      const { stdout } = await session.run(['cat', '/proc/self/mountinfo'])
      expect(stdout.split('\n').filter((line) => line.includes(' - overlay '))).toHaveLength(1)
      expect(stdout).not.toContain(folders.top)
      // Nothing else is mounted for it.
      await using plain = await openSession({ inputs: { '/w': source } })
      const record = await plain.record()
      const places = (of: typeof mounts, top: string): string[] => of.map(({ on, type }) => `${on.slice(top.length)} ${type}`).filter((place) => !place.startsWith('/w ')).toSorted()
      expect(places(mounts, root)).toEqual(places(record.mounts, record.root))
    })

    test('is kept of a build that failed, as the rest of its working directory', async () => {
      const keep = path.join(folders.top, 'kept')
      const { kept } = await build(spec({ keep }), ['sh', '-c', 'echo more >> src/a.c; echo log > log; rm Makefile; exit 3'], { reject: false })
      expect(readFileSync(path.join(kept?.path ?? '', 'w/src/a.c'), 'utf8')).toBe('int a;\nmore\n')
      expect(readdirSync(path.join(kept?.path ?? '', 'w'))).toEqual(['configure', 'link', 'log', 'node_modules', 'private', 'shut', 'src'])
    })

    // promise: 50
    test.runIf(isRoot)('is refused where something is mounted in it, and has something of its own there instead', async () => {
      const at = path.join(source, 'src/deep')
      const mounted = spawnSync('mount', ['--bind', folders.input, at], { encoding: 'utf8' })
      expect(mounted).toMatchObject({ status: 0 })
      try {
        const error = await rejected(build(spec(), ['true']))
        expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_OVERLAY_UNSUPPORTED', message: expect.stringContaining(`${at} is mounted in the folder`) as string })
        const instead = spec({ inputs: { '/w': { path: source, overlay: true }, '/w/src/deep': at } })
        expect((await build(instead, ['cat', 'src/deep/given.txt'])).stdout).toBe('given')
      } finally {
        spawnSync('umount', [at])
      }
    })

    test.runIf(isRoot)('is a copy of a file system that cannot show files as another user’s, or that lies two overlays deep', async () => {
      const [lower, merged] = [mkdtempSync(path.join(folders.top, 'lower-')), path.join(source, 'merged')]
      mkdirSync(merged)
      for (const folder of [lower, path.join(source, 'src/deep')]) chmodSync(folder, 0o755)
      const mounted = spawnSync('mount', ['-t', 'overlay', '-o', `lowerdir=${lower}:${folders.input}`, 'overlay', merged], { encoding: 'utf8' })
      expect(mounted).toMatchObject({ status: 0 })
      try {
        const state = await hostState()
        await expectCopied({ inputs: { w: { path: merged, overlay: true } } }, 'ext4')
        const deep = path.join(source, 'deep')
        mkdirSync(deep)
        expect(spawnSync('mount', ['-t', 'overlay', '-o', `lowerdir=${merged}:${source}/src`, 'overlay', deep])).toMatchObject({ status: 0 })
        const [stdout, stderr] = runByOther(deep, 'cat given.txt a.c && echo made > made && ls')
        spawnSync('umount', [deep])
        expect([stdout, stderr]).toEqual(['given\nint a;\na.c\ndeep\ngiven.txt\nmade\n', expect.stringMatching(/^buildjail: no overlay of .*; each session copies the folder into memory instead\n$/)])
        await expectSameState(state)
      } finally {
        spawnSync('umount', [merged])
      }
    })
  })
})
