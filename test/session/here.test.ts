import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, test, vi } from 'vitest'

import { build, here, openSession, preflight, type HereOptions, type Session } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const missing = preflight().limitations.find(({ check }) => check === 'overlay')
if (missing !== undefined) console.warn(`skipped, as there are no overlays here: ${missing.problem}; ${missing.remedy}`)
const describeOverlays = missing === undefined ? describeSession : describeSession.skip

/** Changes of a copy cannot be applied. */
const orApplied = isFreebsd ? '' : ', --apply all'

describeOverlays('the project around the current folder', () => {
  const folders = useFolders()
  let project = ''
  beforeEach(() => {
    project = path.join(folders.top, 'project')
    for (const [name, text] of Object.entries({ 'package.json': '{}', '.env': 'SECRET=1', 'src/a': 'a', 'src/b': 'b', 'node_modules/x/index.js': 'x' })) {
      mkdirSync(path.dirname(path.join(project, name)), { recursive: true })
      writeFileSync(path.join(project, name), text)
    }
  })
  const open = (options: HereOptions = {}): Promise<Session> => openSession(here({ cwd: project, ...options }))
  const everything = (): string[] => readdirSync(project, { recursive: true, encoding: 'utf8' }).toSorted()

  test('is at its own path, where commands write what they like and none of that stays', async () => {
    const before = everything()
    const script = 'pwd; mkdir -p node_modules/.cache && echo 1 > node_modules/.cache/one; echo more >> src/a; rm src/b; cat src/a; echo "$HOME"'
    const { stdout } = await build(here({ cwd: path.join(project, 'src') }), ['sh', '-c', `cd ..; ${script}`])
    expect(stdout.split('\n')).toEqual([project, 'amore', '/tmp'])
    expect(everything()).toEqual(before)
    expect(readFileSync(path.join(project, 'src/a'), 'utf8')).toBe('a')
  })

  test('has its tools beside those that are named', () => {
    const folder = path.join(folders.top, 'tool')
    mkdirSync(folder)
    const plan = (...words: string[]): string => spawnSync(process.execPath, [main, 'plan', '--here', ...words, '--', 'true'], { cwd: project, encoding: 'utf8' }).stdout
    const own = plan().split('\n').filter((line) => line.includes('toolchain'))
    expect(plan('--toolchain', `host,${folder}`).split('\n')).toEqual(expect.arrayContaining([...own, expect.stringContaining(folder)]))
  })

  test('shows its secrets only when asked to', async () => {
    expect((await build(here({ cwd: project }), ['cat', '.env'])).stdout).toBe('')
    expect((await build(here({ cwd: project, envFiles: true }), ['cat', '.env'])).stdout).toBe('SECRET=1')
  })

  test('has the certificates that its caller’s environment names, with the host’s network', async () => {
    const own = path.join(folders.top, 'own.pem')
    writeFileSync(own, 'certificate')
    vi.stubEnv('SSL_CERT_FILE', own)
    expect((await build(here({ cwd: project, network: 'host' }), ['sh', '-c', 'cat "$SSL_CERT_FILE"'])).stdout).toBe('certificate')
    expect((await build(here({ cwd: project }), ['sh', '-c', 'echo "${SSL_CERT_FILE-not there}"'])).stdout).toBe('not there')
    vi.unstubAllEnvs()
  })

  test('keeps what is written in the folders that are named, and the rest of the project sees it there', async () => {
    const { stdout } = await build(here({ cwd: project, out: ['dist', 'src/made'] }), ['sh', '-c', 'echo 1 > dist/one; echo 2 > src/made/two; echo 3 > src/three; cat dist/one src/made/two'])
    expect(stdout).toBe('1\n2')
    expect([readFileSync(path.join(project, 'dist/one'), 'utf8'), readdirSync(path.join(project, 'src')).toSorted()]).toEqual(['1\n', ['a', 'b', 'made']])
  })

  test('tells what was written and thrown away: counts, sizes, folders', async () => {
    await using session = await open({ out: ['dist'] })
    expect(await session.changes()).toEqual([{ target: project, source: project, added: 0, changed: 0, removed: 0, bytes: 0, folders: [], isWhole: true }])
    await session.run(['sh', '-c', 'echo kept > dist/one; mkdir -p new/deep; echo 12345 > new/deep/file; ln -s nowhere new/link; echo more >> src/a; rm src/b; rm -rf node_modules/x; echo > top'])
    const [changes] = await session.changes()
    expect(changes).toMatchObject({ added: 5, changed: 1, removed: 2, bytes: 6 + 6 + 1, isWhole: true })
    expect(changes?.folders).toEqual(expect.arrayContaining([{ name: 'new', count: 3 }, { name: 'src', count: 2 }, { name: 'node_modules', count: 1 }, { name: '.', count: 2 }]))
  })

  test('is looked at only after everything has ended, and whatever names there are', async () => {
    await using session = await open()
    const sleeper = session.spawn(['sleep', '100'])
    const deep = 'd=$(printf %0250d 0); for i in $(seq 20); do mkdir $d && cd $d; done; echo x > f'
    await session.run(['sh', '-c', String.raw`touch "$(printf 'new\nline')" "$(printf '\377\376')"; ln -s / root; ` + deep])
    const ended = new Promise((resolve) => sleeper.once('close', resolve))
    const [changes] = await session.changes()
    await ended
    // The shell made one more folder than it could enter: what that holds is not counted, as its path is too long, and that is told. FreeBSD's
    // enters all of them, and so is the file that it made.
    expect(changes).toMatchObject({ added: isFreebsd ? 6 : 20, changed: 0, removed: 0, isWhole: false })
  })

  test('is looked at to the end before another command begins and before its session closes', async () => {
    const session = await open()
    await session.run(['sh', '-c', 'mkdir many; cd many; i=0; while [ $i -lt 3000 ]; do : > $i; i=$((i+1)); done'])
    const [before] = await Promise.all([session.changes(), session.run(['sh', '-c', 'rm -rf many; ln -s / many'])])
    const [after] = await Promise.all([session.changes(), session.close()])
    expect([before, after]).toMatchObject([[{ added: 3001, isWhole: true }], [{ added: 1, isWhole: true }]])
  })

  test('is looked at beside no command: one that is spawned meanwhile is refused, and one that is run waits for each look', async () => {
    await using session = await open()
    const looks = [session.changes(), session.changes()]
    expect(() => session.spawn(['true'])).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_SESSION_CLOSED', message: expect.stringContaining('while its changes are counted') as string }))
    const run = session.run(['sh', '-c', 'echo > made'])
    const third = looks[0]?.then(() => session.changes())
    expect(await Promise.all([...looks, third])).toMatchObject([[{ added: 0 }], [{ added: 0 }], [{ added: 0 }]])
    expect(await run).toMatchObject({ exitCode: 0 })
    const spawned = session.spawn(['true'])
    expect(await once(spawned, 'exit')).toEqual([0, null])
  })

  test('is told of by none once its session is closed', async () => {
    const session = await open()
    await session.close()
    await expect(session.changes()).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
  })

  test('is what the command line runs a command in, with one line of what was thrown away', () => {
    const ran = (...words: readonly string[]) => spawnSync(process.execPath, [main, 'run', '--here', ...words], { encoding: 'utf8', cwd: path.join(project, 'src') })
    expect(ran('sh', '-c', 'pwd; cat ../.env')).toMatchObject({ status: 0, stdout: `${path.join(project, 'src')}\n`, stderr: '' })
    const thrown = ran('sh', '-c', 'echo 123 > ../new; rm b; exit 3')
    expect(thrown.status).toBe(3)
    expect(thrown.stderr).toBe(`buildjail: thrown away in ${project}: 1 added, 1 removed (4 bytes), in the folder itself (1), src (1); --out ../FOLDER keeps one${orApplied}\nbuildjail: empty in the session: .env; --env-files shows it\n`)
    expect(ran('--out', '../dist,../lib', '--out', 'made', 'sh', '-c', 'echo > ../dist/x; echo > ../lib/x; echo > made/x')).toMatchObject({ status: 0, stderr: '' })
    expect(['dist/x', 'lib/x', 'src/made/x'].filter((file) => !existsSync(path.join(project, file)))).toEqual([])
    expect(ran('--exclude', 'src/a', '--env-files', 'sh', '-c', 'cat a ../.env').stdout).toBe('SECRET=1')
    expect(ran('--input', `given=${folders.input}`, '--exclude', 'src/a', 'cat', 'a').stdout).toBe('')
    const { result } = JSON.parse(ran('--json', 'sh', '-c', 'echo 1 > x').stdout) as { result: { changes: unknown[] } }
    expect(result.changes).toMatchObject([{ added: 1, changed: 0, removed: 0 }])
  })

  test('tells at a failure which of its files are empty in the session, and that an option after the command is the command’s', () => {
    const told = (...words: readonly string[]): string => spawnSync(process.execPath, [main, 'run', ...words], { encoding: 'utf8', cwd: project }).stderr
    expect(told('--here', 'false')).toBe('buildjail: empty in the session: .env; --env-files shows it\n')
    expect(told('--here', '--env-files', 'false')).toBe('')
    expect(told('sh', '-c', 'exit 1', 'sh', '--here')).toBe("buildjail: hint: --here stands after the command, and so the command got it; buildjail run --here sh -c 'exit 1' sh\n")
  })

  test('is told that a folder of --out stays, where the command removes it', () => {
    const { status, stderr } = spawnSync(process.execPath, [main, 'run', '--here', '--env-files', '--out', 'dist', 'rm', '-r', 'dist'], { encoding: 'utf8', cwd: project })
    expect([status, stderr.split('\n')[1]]).toEqual([1, `buildjail: hint: it removed or renamed ${project}/dist, which is an output and stays while the session is open; have it remove what is in the folder${isFreebsd ? '' : ', or of run --here use --apply in place of --out'}`])
  })

  const write = (name: string, text: string, seconds: number): void => {
    writeFileSync(path.join(project, name), text)
    utimesSync(path.join(project, name), seconds, seconds)
  }

  test.skipIf(spawnSync('make', ['-n', '-f', '/dev/null', 'x']).error !== undefined)('is made by its Makefile, which finds the times of the files as they are', () => {
    write('Makefile', 'made: src/a\n\tcat src/a src/a > made\n', 1_700_000_000)
    write('src/a', 'a', 1_700_000_000)
    write('made', 'aa', 1_700_000_001)
    const ran = (...words: readonly string[]) => spawnSync(process.execPath, [main, 'run', '--here', ...words], { encoding: 'utf8', cwd: project })
    expect(ran('make')).toMatchObject({ status: 0, stdout: expect.stringContaining('up to date') as string, stderr: '' })
    write('src/a', 'b', 1_700_000_002)
    expect(ran('sh', '-c', 'make >/dev/null && cat made')).toMatchObject({ status: 0, stdout: 'bb', stderr: `buildjail: thrown away in ${project}: 1 changed (2 bytes), in the folder itself (1); --out FOLDER keeps one${orApplied}\n` })
    expect(readFileSync(path.join(project, 'made'), 'utf8')).toBe('aa')
  })

  test('is built by a script of its own, in the runtime that runs this', () => {
    write('package.json', JSON.stringify({ name: 'project', type: 'module' }), 1_700_000_000)
    write('build.js', "import { mkdirSync, writeFileSync } from 'node:fs'\nimport { text } from './src/text.js'\nmkdirSync('node_modules/.cache', { recursive: true })\nwriteFileSync('node_modules/.cache/one', text)\nwriteFileSync('dist/app.js', text)\n", 1_700_000_000)
    write('src/text.js', "export const text = 'built'\n", 1_700_000_000)
    const { status, stderr } = spawnSync(process.execPath, [main, 'run', '--here', '--out', 'dist', path.basename(process.execPath), 'build.js'], { encoding: 'utf8', cwd: project })
    expect({ status, stderr }).toEqual({ status: 0, stderr: `buildjail: thrown away in ${project}: 2 added (5 bytes), in node_modules (2); --out FOLDER keeps one${orApplied}\n` })
    expect(readFileSync(path.join(project, 'dist/app.js'), 'utf8')).toBe('built')
    expect(existsSync(path.join(project, 'node_modules/.cache'))).toBe(false)
  })

  test('is not found from elsewhere, which is one sentence; an option of it alone is another', () => {
    const ran = (...words: readonly string[]) => spawnSync(process.execPath, [main, 'run', ...words], { encoding: 'utf8', cwd: '/' })
    expect(ran('--here', 'true').stderr).toMatch(/^buildjail: --here: \/ is in no project: .*\(--project DIR\)\n$/)
    expect(ran('--out', 'dist', 'true').stderr).toBe('buildjail: --out: is for --here\n')
    expect(ran('--env-files', 'true').stderr).toBe('buildjail: --env-files: is for --here\n')
    expect(spawnSync(process.execPath, [main, 'run', '--project', project, 'pwd'], { encoding: 'utf8', cwd: '/' }).stdout).toBe(`${project}\n`)
  })

  test('may lead elsewhere by links, which are no part of it', async () => {
    symlinkSync(folders.input, path.join(project, 'elsewhere'))
    const { exitCode } = await build(here({ cwd: project }), ['cat', 'elsewhere/given.txt'], { reject: false })
    expect(exitCode).not.toBe(0)
  })
})
