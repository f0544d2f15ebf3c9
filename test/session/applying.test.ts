import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statfsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { here, openSession, preflight, SessionClosedError, SpecError, type Session } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { buildjailRun, Person } from './person.ts'
import { rejected } from './rejected.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const missing = isFreebsd ? 'an overlay is a copy on FreeBSD' : preflight().limitations.find(({ check }) => check === 'overlay')?.problem
if (missing !== undefined) console.warn(`skipped, as changes are applied from overlays alone: ${missing}`)
const isRoot = process.geteuid?.() === 0
/** A file system of a container, whose folders have no handles. */
const overlayfs = 0x794c7630
const describeOverlays = missing === undefined ? describeSession : describeSession.skip

describeOverlays('what was written in an overlay is done in its source', () => {
  const folders = useFolders()
  let project = ''
  let outside = ''
  let one: Person | undefined
  beforeEach(() => {
    project = path.join(folders.top, 'project')
    outside = path.join(folders.top, 'outside')
    mkdirSync(outside)
    writeFileSync(path.join(outside, 'file'), 'outside')
    for (const [name, text] of Object.entries({ 'package.json': '{}', 'src/a': 'a', 'src/b': 'b', 'old/deep/one': '1', 'old/two': '2', 'again/gone': 'g', 'folder/in': 'i', file: 'f' })) {
      mkdirSync(path.dirname(path.join(project, name)), { recursive: true })
      writeFileSync(path.join(project, name), text, { mode: 0o644 })
    }
    symlinkSync(outside, path.join(project, 'link'))
  })
  afterEach(() => one?.leave())
  const open = (): Promise<Session> => openSession(here({ cwd: project }))
  const everything = (): string[] => spawnSync('find', ['.', '-mindepth', '1', '-printf', '%P\n'], { cwd: project, encoding: 'utf8' }).stdout.trimEnd().split('\n').toSorted()
  const text = (name: string): string => readFileSync(path.join(project, name), 'utf8')

  test('by exact paths: files, links and folders that are new, changed, removed, replaced by another kind', async () => {
    await using session = await open()
    await session.run(['sh', '-c', [
      'mkdir -p new/deep; echo n > new/deep/file; ln -s ../file new/link',
      'echo more >> src/a; rm src/b; chmod 700 src/a',
      'rm -r old',
      'rm -r again; mkdir again; echo 2 > again/here',
      'rm -r folder; echo now > folder',
      'rm file; mkdir file; echo in > file/in',
    ].join('\n')])
    expect(await session.changes()).toMatchObject([{ added: 8, changed: 1, removed: 5 }])
    expect(await session.applyChanges([project])).toEqual([{ target: project, written: 5, removed: 5, left: [] }])
    expect(everything()).toEqual(['again', 'again/here', 'file', 'file/in', 'folder', 'link', 'new', 'new/deep', 'new/deep/file', 'new/link', 'package.json', 'src', 'src/a'])
    expect([text('new/deep/file'), text('src/a'), text('again/here'), text('folder'), text('file/in')]).toEqual(['n\n', 'amore\n', '2\n', 'now\n', 'in\n'])
    expect(readlinkSync(path.join(project, 'new/link'))).toBe('../file')
    expect(lstatSync(path.join(project, 'src/a')).mode & 0o7777).toBe(0o700)
    for (const name of ['new', 'new/deep/file', 'src/a']) expect(lstatSync(path.join(project, name)).uid).toBe(process.geteuid?.())
  })

  test.each<[string, string, object, object, string[], string[]]>([
    ['a folder that was removed and made again', 'rm -r src; mkdir src', { removed: 2, folders: [{ name: 'src', count: 2 }] }, { removed: 2 }, ['src/a', 'src/b'], []],
    ['the folders in it too', 'rm -r old; mkdir -p old/deep; echo 2 > old/two; echo > old/new', { added: 1, changed: 1, removed: 1, folders: [{ name: 'old', count: 3 }] }, { written: 2, removed: 1 }, ['old/deep/one'], ['old/new']],
    ['a new folder', 'mkdir -p made/deep', { added: 2 }, { written: 1 }, [], ['made', 'made/deep']],
    ['a folder in the place of a link', 'rm link; mkdir link; echo > link/file', { added: 2, removed: 1 }, { written: 1, removed: 1 }, [], ['link/file']],
    ['a file in the place of a folder', 'rm -r old; echo > old', { added: 1, removed: 1 }, { written: 1, removed: 1 }, ['old/deep', 'old/deep/one', 'old/two'], []],
    ['the mode of a folder', 'chmod 700 src', { changed: 1 }, {}, [], []],
  ])('as was told before: %s', async (_, script, told, applied, gone, come) => {
    const before = everything()
    await using session = await open()
    await session.run(['sh', '-c', script])
    expect(await session.changes()).toMatchObject([{ added: 0, changed: 0, removed: 0, isWhole: true, ...told }])
    expect(await session.applyChanges()).toEqual([{ target: project, written: 0, removed: 0, left: [], ...applied }])
    expect(everything()).toEqual([...before.filter((name) => !gone.includes(name)), ...come].toSorted())
  })

  test('but for the places that the session made to mount something there, with the folders around them', async () => {
    const given = here({ cwd: project, exclude: ['nosuch/', 'x/y/z/', 'old/deep/none/', 'kept/in/none/'] })
    const before = everything()
    await using session = await openSession({ ...given, inputs: { ...given.inputs, [path.join(project, 'mounted/file')]: path.join(outside, 'file') } })
    await session.run(['sh', '-c', 'echo y > g; echo z > kept/here'])
    expect(await session.changes()).toMatchObject([{ target: project, added: 2, changed: 0, removed: 0, folders: expect.arrayContaining([{ name: 'kept', count: 1 }, { name: '.', count: 1 }]) }])
    expect(await session.applyChanges([project])).toEqual([{ target: project, written: 2, removed: 0, left: [] }])
    expect(everything()).toEqual([...before, 'g', 'kept', 'kept/here'].toSorted())
  })

  test('and nothing outside of the source, where a folder of the build takes the place of a link', async () => {
    await using session = await open()
    await session.run(['sh', '-c', 'rm link; mkdir link; echo attack > link/file'])
    await session.applyChanges()
    expect(readFileSync(path.join(outside, 'file'), 'utf8')).toBe('outside')
    expect(text('link/file')).toBe('attack\n')
  })

  test('and not where the source was exchanged for a link meanwhile', async () => {
    await using session = await open()
    await session.run(['sh', '-c', 'echo attack > file'])
    renameSync(project, `${project}.moved`)
    symlinkSync(outside, project)
    expect(await rejected(session.applyChanges([project]))).toMatchObject({ code: 'ENOTDIR', step: 'apply' })
    expect(readdirSync(outside)).toEqual(['file'])
    expect(readFileSync(path.join(outside, 'file'), 'utf8')).toBe('outside')
  })

  test('but what the host has changed since the first command stays, and is named', async () => {
    await using session = await open()
    await session.run(['sh', '-c', 'for f in src/a src/b package.json; do echo build > $f; done; rm -r old; rm -r again; mkdir again; echo build > again/here; echo build > made; chmod 700 folder; echo build > folder/in; rm file; echo build > new'])
    writeFileSync(path.join(project, 'src/a'), 'mine')
    rmSync(path.join(project, 'src/b'))
    mkdirSync(path.join(project, 'src/b'))
    for (const name of ['src/b/mine', 'old/deep/mine', 'again/mine', 'made']) writeFileSync(path.join(project, name), 'mine')
    chmodSync(path.join(project, 'folder'), 0o711)
    const [applied] = await session.applyChanges([project])
    expect(applied?.left.toSorted()).toEqual(['again', 'again/mine', 'folder', 'made', 'old', 'old/deep', 'src/a', 'src/b', 'src/b/mine'])
    expect([applied?.written, applied?.removed]).toEqual([3, 1])
    expect(['src/a', 'src/b/mine', 'old/deep/mine', 'old/deep/one', 'old/two', 'again/mine', 'again/gone', 'made', 'package.json', 'folder/in', 'new'].map(text)).toEqual(['mine', 'mine', 'mine', '1', '2', 'mine', 'g', 'mine', 'build\n', 'build\n', 'build\n'])
    expect(lstatSync(path.join(project, 'folder')).mode & 0o777).toBe(0o711)
    expect(everything()).toEqual(['again', 'again/gone', 'again/mine', 'folder', 'folder/in', 'link', 'made', 'new', 'old', 'old/deep', 'old/deep/mine', 'old/deep/one', 'old/two', 'package.json', 'src', 'src/a', 'src/b', 'src/b/mine'])
  })

  test('also what it writes into a removed folder while that is looked through', async () => {
    const many = path.join(project, 'many')
    for (const inner of ['1', '2', '3']) {
      mkdirSync(path.join(many, inner), { recursive: true })
      for (let i = 0; i < 5000; i++) writeFileSync(path.join(many, inner, String(i)), '')
    }
    await using session = await open()
    await session.run(['rm', '-r', 'many'])
    const applying = session.applyChanges([project])
    const isBegun = (): boolean => readdirSync(project).some((name) => existsSync(path.join(project, name, 'old')) && name.startsWith('.buildjail'))
    while (!isBegun()) await setImmediate()
    // By then what lies in it has been read, and its folders have not.
    await sleep(3)
    writeFileSync(path.join(many, 'mine'), 'mine')
    const [applied] = await applying
    expect([applied?.removed, applied?.left.toSorted()]).toEqual([0, ['many', 'many/mine']])
    expect([text('many/mine'), readdirSync(path.join(many, '3')).length]).toEqual(['mine', 5000])
  })

  test('and a folder that the host has removed does not come back in part', async () => {
    mkdirSync(path.join(project, 'src/inner'))
    writeFileSync(path.join(project, 'src/inner/file'), '')
    await using session = await open()
    await session.run(['sh', '-c', 'echo 2 > folder/in; echo 2 > src/inner/new; echo 2 > src/a'])
    for (const name of ['folder', 'src/inner']) rmSync(path.join(project, name), { recursive: true })
    const [applied] = await session.applyChanges([project])
    expect([applied?.written, applied?.left.toSorted()]).toEqual([1, ['folder', 'src/inner']])
    expect(everything()).not.toContain('folder')
  })

  test('also of what the host wrote just before the session opened', async () => {
    // The clock of file systems moves in steps, in which a session opens and runs.
    for (let round = 0; round < 10; round++) {
      // A file that was looked at gets a finer time where the kernel has one.
      statSync(path.join(project, 'src/a'))
      writeFileSync(path.join(project, 'src/a'), 'before')
      await using session = await open()
      await session.run(['sh', '-c', 'echo build > src/a'])
      expect(await session.applyChanges([project])).toEqual([{ target: project, written: 1, removed: 0, left: [] }])
    }
  })

  test('and a file with several names is changed by each of them', async () => {
    for (const name of ['src/c', 'folder/c', 'again/c', 'old/c']) linkSync(path.join(project, 'file'), path.join(project, name))
    await using session = await open()
    await session.run(['sh', '-c', 'echo 1 > file; echo 2 > src/c; rm folder/c; rm -r again; rm -r old; echo > old'])
    expect(await session.applyChanges([project])).toEqual([{ target: project, written: 3, removed: 3, left: [] }])
    expect([text('file'), text('src/c')]).toEqual(['1\n', '2\n'])
  })

  test('and nothing where another folder has the name of the source by then', async () => {
    await using session = await open()
    await session.run(['sh', '-c', 'rm -r src; echo attack > file'])
    const other = path.join(folders.top, 'other')
    mkdirSync(path.join(other, 'src'), { recursive: true })
    writeFileSync(path.join(other, 'file'), 'other')
    renameSync(project, `${project}.moved`)
    renameSync(other, project)
    expect(await rejected(session.applyChanges([project]))).toMatchObject({ code: 'ESTALE', step: 'apply', message: expect.stringContaining('nothing was done') as string })
    expect([everything(), text('file')]).toEqual([['file', 'src'], 'other'])
  })

  test('and not in another folder that has been given the name of one in the source', async (context) => {
    context.skip(!isRoot || statfsSync(folders.top).type === overlayfs, 'the overlay has no handles of its folders')
    await using session = await open()
    await session.run(['sh', '-c', 'echo attack > src/a; rm src/b; echo more >> file'])
    const other = path.join(folders.top, 'other')
    mkdirSync(other)
    for (const name of ['a', 'b']) writeFileSync(path.join(other, name), 'other')
    renameSync(path.join(project, 'src'), path.join(folders.top, 'moved'))
    // As if it had been made before the session, which only the time of its files says.
    renameSync(other, path.join(project, 'src'))
    expect(await session.applyChanges([project])).toEqual([{ target: project, written: 1, removed: 0, left: ['src'] }])
    expect([text('src/a'), text('src/b')]).toEqual(['other', 'other'])
  })

  test('with the modes of folders, also of those that an ordinary user may not change', (context) => {
    mkdirSync(path.join(project, 'shut'))
    writeFileSync(path.join(project, 'shut/gone'), 'g')
    mkdirSync(path.join(project, 'empty'), { mode: 0o400 })
    for (const name of ['old/deep', 'old', 'again', 'folder']) chmodSync(path.join(project, name), 0o555)
    const script = [
      'mkdir -p new/deep; echo > new/deep/file; chmod 555 new/deep new',
      'chmod 755 folder; echo 2 > folder/in; chmod 555 folder',
      'chmod 755 again; echo 2 > again/gone; chmod 711 again',
      'echo 2 > src/a; chmod 555 src',
      'chmod -R u+w old; rm -r old',
      'rm -r shut; mkdir shut; chmod 000 shut',
      'rmdir empty theirs',
    ].join('\n')
    const run = [process.execPath, main, 'run', '--here', '--apply', '--yes', '--', 'sh', '-c', script]
    if (isRoot) execFileSync('chown', ['-R', '4711:4711', project])
    mkdirSync(path.join(project, 'theirs'))
    const [file = '', ...words] = isRoot ? ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups', 'env', 'XDG_RUNTIME_DIR=', 'HOME=/', ...run] : run
    const { status, stderr } = spawnSync(file, words, { cwd: project, encoding: 'utf8' })
    context.skip(stderr.includes('copies the folder into memory'), 'an ordinary user has no overlay here')
    const modes = Object.fromEntries(everything().filter((name) => lstatSync(path.join(project, name)).isDirectory()).map((name) => [name, (lstatSync(path.join(project, name)).mode & 0o7777).toString(8)]))
    // So that they can be removed.
    execFileSync('chmod', ['-R', 'u+rwX', project])
    expect([status, stderr]).toEqual([0, `buildjail: applied to ${project}: 4 written, 4 removed\n`])
    expect(existsSync(path.join(project, 'shut/gone'))).toBe(false)
    expect(modes).toEqual({ shut: '0', again: '711', folder: '555', new: '555', 'new/deep': '555', src: '555' })
    expect(['folder/in', 'again/gone', 'src/a', 'new/deep/file'].map(text)).toEqual(['2\n', '2\n', '2\n', '\n'])
  })

  test('and folders that pass on their group go on with it', async () => {
    for (const name of ['src', 'again']) chmodSync(path.join(project, name), 0o2775)
    await using session = await open()
    await session.run(['sh', '-c', 'chmod 755 src; rm -r again; mkdir again'])
    await session.applyChanges([project])
    expect(['src', 'again'].map((name) => (lstatSync(path.join(project, name)).mode & 0o7777).toString(8))).toEqual(['2755', '2755'])
  })

  test('and a file whose content changes keeps its access list and its attributes', async (context) => {
    const list = '0200000001000600ffffffff020004004711000004000400ffffffff10000400ffffffff20000000ffffffff'
    const python = (code: string) => spawnSync('python3', ['-c', `import os, sys; f = sys.argv[1]; ${code}`, path.join(project, 'src/a')], { encoding: 'utf8' })
    const has = python(`os.setxattr(f, 'user.tag', b'mine'); os.setxattr(f, 'system.posix_acl_access', bytes.fromhex('${list}'))`)
    context.skip(has.status !== 0, `there is no python3, or there are no access lists here: ${has.error?.message ?? has.stderr}`)
    await using session = await open()
    await session.run(['sh', '-c', 'echo 2 > src/a; chmod 660 src/a'])
    expect(await session.applyChanges([project])).toMatchObject([{ written: 1, left: [] }])
    const found = python("print(os.getxattr(f, 'user.tag').decode(), os.getxattr(f, 'system.posix_acl_access').hex())").stdout
    // The mask of a list is what the mode has for the group (acl(5)).
    expect([text('src/a'), found]).toEqual(['2\n', `mine ${list.replace('10000400', '10000600')}\n`])
  })

  test.skipIf(!isRoot)('or not at all, where there is no room for it', () => {
    mkdirSync(path.join(folders.top, 'small'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path.join(folders.top, 'small')])
    try {
      project = path.join(folders.top, 'small')
      writeFileSync(path.join(project, 'package.json'), '{}')
      const { status, stderr } = spawnSync(process.execPath, [main, 'run', '--here', '--apply', '--yes', '--', 'sh', '-c', 'echo 2 > package.json; mkdir shut; echo > shut/file; chmod 555 shut; head -c 2000000 /dev/zero > large'], { cwd: project, encoding: 'utf8' })
      expect([status, stderr]).toEqual([125, expect.stringMatching(/^buildjail: ENOSPC: .*\(step apply: nothing was done in the folder\)\n$/)])
      expect([everything(), text('package.json')]).toEqual([['package.json'], '{}'])
    } finally {
      execFileSync('umount', [project])
    }
  })

  test.skipIf(!isRoot)('and files keep their owner, and new ones have that of the source', async () => {
    for (const name of ['.', 'src', 'src/b']) chownSync(path.join(project, name), 4801, 4802)
    // The file of a third, which everybody may write to.
    chownSync(path.join(project, 'src/a'), 4803, 4804)
    chmodSync(path.join(project, 'src/a'), 0o666)
    await using session = await open()
    await session.run(['sh', '-c', 'echo more >> src/a; echo > src/new; mkdir made'])
    await session.applyChanges([project])
    const ownerOf = (name: string): number[] => [lstatSync(path.join(project, name)).uid, lstatSync(path.join(project, name)).gid]
    expect(['src/a', 'src/new', 'made', 'src/b'].map(ownerOf)).toEqual([[4803, 4804], [4801, 4802], [4801, 4802], [4801, 4802]])
  })

  test('without set-id bits, and without what is no file, folder or link: what that would replace stays', async () => {
    await using session = await openSession({ ...here({ cwd: project }), allow: ['set-id'] })
    await session.run(['sh', '-c', 'echo s > setid; chmod 6755 setid; mkfifo fifo; rm -r folder; mkfifo folder'])
    const [applied] = await session.applyChanges([project])
    expect([applied?.removed, applied?.left.toSorted()]).toEqual([0, ['fifo', 'folder']])
    expect(text('folder/in')).toBe('i')
    expect(lstatSync(path.join(project, 'setid')).mode & 0o7777).toBe(0o755)
    expect(existsSync(path.join(project, 'fifo'))).toBe(false)
  })

  test('however deep a build has nested folders: changes that lie too deep in the source are told of', async () => {
    const deep = (top: string, depth: number): string => Array.from({ length: depth }, () => top).join('/')
    mkdirSync(path.join(project, deep('o', 300)), { recursive: true })
    await using session = await open()
    const down = (name: string): string => `i=0; while [ $i -lt 300 ]; do mkdir -p ${name} && cd ${name}; i=$((i + 1)); done; echo > file; cd "$1"`
    await session.run(['sh', '-c', `${down('n')}; ${down('o')}; echo > flat`, 'sh', project])
    const [applied] = await session.applyChanges([project])
    expect(applied).toMatchObject({ written: 2, left: [deep('o', 201)] })
    expect([existsSync(path.join(project, 'flat')), existsSync(path.join(project, deep('n', 300), 'file'))]).toEqual([true, true])
  })

  test('whatever a build has called like the folder in which that is prepared', async () => {
    await using session = await open()
    const name = `.buildjail-apply-${session.id}`
    await session.run(['sh', '-c', `mkdir -p ${name}/new/src ${name}/old; echo attack > ${name}/new/src/a; echo attack > ${name}/new/file; echo more >> src/b`])
    await session.applyChanges([project]).catch(() => {})
    expect([text('src/a'), text('file')]).toEqual(['a', 'f'])
  })

  test('once every command has ended, also those that were only just begun', async () => {
    await using session = await open()
    const script = (index: number): string => `echo half > half${index}; sleep 10; echo whole >> half${index}`
    const runs = Array.from({ length: 16 }, (_, index) => session.run(['sh', '-c', script(index)], { stdout: { file: path.join(outside, `log${index}`) }, reject: false }))
    // They begin in microtasks, on threads, as their files are to be opened.
    await Promise.resolve()
    await session.applyChanges([project])
    const before = everything()
    expect((await Promise.all(runs)).map(({ signal }) => signal)).toEqual(runs.map(() => 'SIGKILL'))
    expect(everything()).toEqual(before)
  })

  test('one after the other, where two ask for it at once', async () => {
    await using session = await open()
    await session.run(['sh', '-c', 'rm src/a'])
    const [first, second] = await Promise.allSettled([session.applyChanges([project]), session.applyChanges([project])])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect(everything()).not.toContain('src/a')
  })

  test('file by file, also where the program is killed meanwhile', { timeout: 60_000 }, async () => {
    const count = 4000
    mkdirSync(path.join(project, 'many'))
    for (let i = 0; i < count; i++) writeFileSync(path.join(project, 'many', String(i)), 'old')
    const running = spawn(process.execPath, [main, 'run', '--here', '--apply', '--yes', '--', 'sh', '-c', 'for f in many/*; do echo new > $f; done; echo > many/last; echo written'], { cwd: project })
    await once(running.stdout, 'data')
    const readAll = (): Set<string> => new Set(readdirSync(path.join(project, 'many')).filter((name) => name !== 'last').map((name) => text(`many/${name}`)))
    while (running.exitCode === null && !readAll().has('new\n')) await sleep(1)
    running.kill('SIGKILL')
    if (running.exitCode === null) await once(running, 'exit')
    expect(readdirSync(path.join(project, 'many')).filter((name) => name !== 'last')).toHaveLength(count)
    expect([...readAll()].every((content) => content === 'old' || content === 'new\n')).toBe(true)
  })

  test('once: the session takes no more commands', async () => {
    await using session = await open()
    await session.applyChanges([project])
    expect(await rejected(session.run(['true']))).toBeInstanceOf(SessionClosedError)
    expect(await rejected(session.applyChanges([project]))).toBeInstanceOf(SessionClosedError)
  })

  test('and only of overlays', async () => {
    await using session = await open()
    for (const [targets, said] of [[['/usr'], 'targets[0]: /usr is no overlay'], ['x', 'targets'], [[7], 'targets[0]']] as const) {
      const error = await rejected(session.applyChanges(targets as unknown as string[]))
      expect(error).toBeInstanceOf(SpecError)
      expect((error as Error).message).toContain(said)
    }
    expect((await session.run(['true'])).exitCode).toBe(0)
  })

  test('by the command line with --yes, after a command that succeeded', () => {
    const run = (...words: string[]) => spawnSync(process.execPath, [main, 'run', '--here', '--apply', '--yes', '--', ...words], { cwd: project, encoding: 'utf8' })
    const failed = run('sh', '-c', 'echo never > src/a; exit 3')
    expect([failed.status, text('src/a')]).toEqual([3, 'a'])
    expect(failed.stderr).toContain('thrown away in')
    const done = run('sh', '-c', 'echo done > src/a; rm src/b')
    const json = spawnSync(process.execPath, [main, 'run', '--here', '--apply', '--yes', '--json', '--', 'touch', 'src/c'], { cwd: project, encoding: 'utf8' })
    expect((JSON.parse(json.stdout) as { result: unknown }).result).toMatchObject({ changes: [], applied: { target: project, written: 1 } })
    expect([done.status, text('src/a'), done.stderr]).toEqual([0, 'done\n', `buildjail: applied to ${project}: 1 written, 1 removed\n`])
    expect(everything()).not.toContain('src/b')
    const ofFolders = run('sh', '-c', 'rm -r old; mkdir old made')
    expect([ofFolders.status, ofFolders.stderr]).toEqual([0, `buildjail: applied to ${project}: 1 written, 2 removed\n`])
    expect(everything()).toEqual(expect.arrayContaining(['made', 'old']))
  })

  test('by the command line, which fails where something is left', async () => {
    const running = spawn(process.execPath, [main, 'run', '--here', '--apply', '--yes', '--', 'sh', '-c', 'echo build > src/a; rm src/b; echo ready; read line'], { cwd: project })
    let told = ''
    running.stderr.on('data', (data: Buffer) => (told += data.toString()))
    await once(running.stdout, 'data')
    writeFileSync(path.join(project, 'src/a'), 'mine')
    running.stdin.end('\n')
    const [status] = (await once(running, 'close')) as [number]
    expect([status, told]).toEqual([125, `buildjail: applied to ${project}: 0 written, 1 removed; not src/a\n`])
    expect(text('src/a')).toBe('mine')
  })

  test.each([['y', ['now\n', ['deep']]], ['n', ['a', ['deep', 'two']]], ['\x03', ['a', ['deep', 'two']]]])('by the command line, which asks: %j', async (answer, expected) => {
    one = new Person('012', ['sh', '-c', `cd '${project}' && exec "$@"`, 'sh', ...buildjailRun('--here', '--apply', '--', 'sh', '-c', 'echo now > src/a; rm -r old; mkdir -p old/deep')])
    await one.sees(/apply to .*: 1 changed, 2 removed .* in old \(2\), src \(1\)\? \[y\/N\] /)
    one.type(answer === '\x03' ? answer : `${answer}\r`)
    await one.ended()
    expect([text('src/a'), readdirSync(path.join(project, 'old')).toSorted()]).toEqual(expected)
  })

  test('and runs nothing where nobody can be asked', () => {
    const asked = spawnSync(process.execPath, [main, 'run', '--here', '--apply', 'sh', '-c', 'echo ran'], { cwd: project, encoding: 'utf8' })
    expect([asked.status, asked.stdout, asked.stderr]).toEqual([125, '', expect.stringContaining('--apply: asks at a terminal, and there is none')])
    const alone = spawnSync(process.execPath, [main, 'run', '--apply', 'true'], { cwd: project, encoding: 'utf8' })
    expect([alone.status, alone.stderr]).toEqual([125, expect.stringContaining('--apply: is for --here')])
  })
})
