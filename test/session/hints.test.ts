import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { build, CommandError, openSession } from '../../src/index.ts'
import type { RunRecord } from '../../src/recording/run-record.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
/** Options of buildjail in a hint, up to what comes of them. */
const optionsIn = (stderr: string): string[] => (/^buildjail: hint: .*?; ((?:--\S+ \S+ ?)+)/m.exec(stderr)?.[1] ?? '').trim().split(' ')

describeSession('a command that fails by what its session does', () => {
  const folders = useFolders()
  /** A project of the host, outside /tmp, which a session has of its own. */
  let project = ''
  beforeEach(() => {
    project = mkdtempSync('/var/tmp/buildjail-hints-')
    chmodSync(project, 0o755)
    mkdirSync(path.join(project, 'dist'))
    for (const [name, text] of Object.entries({ Makefile: 'all:\n\t@echo made\n', 'data.txt': 'data\n' })) writeFileSync(path.join(project, name), text)
    writeFileSync(path.join(project, 'script.sh'), '#!/bin/sh\necho script\n', { mode: 0o755 })
  })
  afterEach(() => rmSync(project, { recursive: true, force: true }))

  /** stderr is a file, which buildjail can read again. */
  const run = (words: readonly string[], command: readonly string[]): { status: number | null; stdout: string; stderr: string } => {
    const file = path.join(folders.top, 'stderr')
    rmSync(file, { force: true })
    const fd = openSync(file, 'w')
    const { status, stdout } = spawnSync(process.execPath, [main, 'run', ...words, '--', ...command], { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', fd] })
    closeSync(fd)
    return { status, stdout, stderr: readFileSync(file, 'utf8') }
  }

  /**
   * It fails with a hint, and does not with the options that the hint names.
   * @param kept the options that stay with these
   */
  const expectRemedy = (words: readonly string[], command: readonly string[], hint: RegExp, kept: readonly string[] = words): string => {
    const failed = run(words, command)
    expect(failed.status).not.toBe(0)
    expect(failed.stderr).toMatch(/^buildjail: hint: /m)
    expect(failed.stderr).toMatch(hint)
    const options = optionsIn(failed.stderr)
    const mended = run([...kept, ...options], command)
    expect([options, mended.status, mended.stderr]).toEqual([options, 0, ''])
    return mended.stdout
  }

  // On FreeBSD the input is not the build's, which has no permission before it is read-only.
  test.skipIf(isFreebsd)('by writing to an input, is told to make it an overlay', () => {
    expectRemedy(['--input', '/w=.', '--cwd', '/w'], ['touch', 'dist/new'], /wrote to \/w\/dist\/new, and \/w is an input.*--input \/w~=\. .*--outputs \/w\/dist=dist/, ['--cwd', '/w'])
  })

  test('by writing to the root, is told of what can be written to', () => {
    const { stderr } = run([], ['touch', '/new'])
    expect(stderr).toMatch(/hint: it wrote to \/new, and the root of a session is read-only; --output/)
  })

  test('for want of a makefile, is told where it begins', () => {
    expect(expectRemedy([], ['make'], /it needs Makefile and began in \/tmp/)).toBe('made\n')
    expect(expectRemedy([], ['sh', 'script.sh'], /it needs script\.sh and began in \/tmp/)).toBe('script\n')
  })

  test('as a relative program, is told where it begins', () => {
    const { status, stderr } = run([], ['./script.sh'])
    expect([status, stderr]).toEqual([127, expect.stringContaining(`it is in ${project} on this host, and the command begins in /tmp; remedy: --input /w=. --cwd /w`)])
    expect(run(['--input', '/w=.', '--cwd', '/w'], ['./script.sh']).stdout).toBe('script\n')
  })

  test('for want of a file of the host, is told to show it', () => {
    expect(expectRemedy([], ['cat', path.join(project, 'data.txt')], /which is on this host and not in the session/)).toBe('data\n')
  })

  test('for want of a program of the host, is told to show it', () => {
    vi.stubEnv('PATH', `${process.env['PATH']}:${project}`)
    const { stderr } = run([], ['sh', '-c', 'script.sh'])
    vi.unstubAllEnvs()
    expect(stderr).toContain(`it needs the program script.sh, and ${project}/script.sh is on this host and not in the session; --toolchain host,${project}/script.sh --path ${project} shows it`)
  })

  test.skipIf(isFreebsd)('for want of a network, is told of the one that it needs', () => {
    const connect = (address: string): string[] => ['bash', '-c', `exec 3<>/dev/tcp/${address}/9`]
    expect(run([], connect('192.0.2.1')).stderr).toMatch(/hint: it tried to reach 192\.0\.2\.1:9, and has no network; --allow-host 192\.0\.2\.1:9 .*--network host /)
    expect(run(['--allow-host', 'example.org:9'], connect('192.0.2.1')).stderr).toMatch(/hint: it tried to reach 192\.0\.2\.1:9, which the network of this session does not have; --allow-host 192\.0\.2\.1:9 adds it/)
    expect(run([], connect('127.0.0.1')).stderr).toMatch(/hint: it tried to reach localhost, and has no network; --network loopback /)
    expect(run(['--network', 'loopback'], connect('127.0.0.1')).stderr).not.toContain('hint')
  })

  test.skipIf(isFreebsd)('for a name that its network lacks, has a hint each time in one session', async () => {
    await using session = await openSession({ network: { allow: ['example.org:9'] } })
    for (const time of ['first', 'second']) {
      const { hints } = await session.run(['bash', '-c', 'exec 3<>/dev/tcp/other.example.net/9'], { reject: false })
      expect([time, hints.map(({ about }) => about)]).toEqual([time, ['other.example.net']])
    }
  })

  test.skipIf(isFreebsd)('by a set-id bit, is told what allows it', () => {
    expectRemedy(['--output', path.join(folders.top, 'out')], ['sh', '-c', 'echo > /output/a && chmod u+s /output/a'], /set a set-uid bit or a file's set-gid bit on \/output\/a/)
  })

  test('by filling /tmp, is told to give it more', () => {
    expectRemedy(['--tmp-size', '1M'], ['dd', 'if=/dev/zero', 'of=/tmp/a', 'bs=65536', 'count=20', 'status=none'], /\/tmp, which has room for 1 MiB .*is full; --limit tmpSize=2M /, [])
  })

  test('has no hint where the session is not the cause', () => {
    for (const command of [['false'], ['cat', '/no/such/file'], ['sh', '-c', 'echo Read-only file system >&2; exit 1'], ['make', '-C', '/no/such/folder']]) {
      expect(run([], command).stderr).not.toContain('hint')
    }
    expect(run([], ['sh', '-c', 'cat data.txt; true']).stderr).not.toContain('hint')
  })

  test('has its hints in JSON, in the record and on the page', () => {
    const [page, record] = [path.join(folders.top, 'page.html'), path.join(folders.top, 'record.json')]
    const json = spawnSync(process.execPath, [main, 'run', '--json', 'make'], { cwd: project, encoding: 'utf8' })
    const expected = { problem: expect.stringContaining('it needs Makefile') as string, remedy: expect.stringContaining('--input /w=. --cwd /w') as string }
    expect((JSON.parse(json.stdout) as { result: unknown }).result).toMatchObject({ hints: [expected] })
    expect(json.stderr).toContain('buildjail: hint: it needs Makefile')
    const written = spawnSync(process.execPath, [main, 'run', '--page', page, '--record', record, 'make'], { cwd: project, encoding: 'utf8' })
    expect(written.stderr).toContain('buildjail: hint: it needs Makefile')
    expect((JSON.parse(readFileSync(record, 'utf8')) as RunRecord).commands).toMatchObject([{ hints: [expected] }])
    expect(readFileSync(page, 'utf8')).toMatch(/<header>[^]*Why<\/strong> it needs Makefile[^]*<\/header>/)
  })

  test('is told by the command line where stderr is a pipe, as a program that runs it has it', () => {
    const piped = (...words: readonly string[]): string => spawnSync(process.execPath, [main, 'run', ...words], { cwd: project, encoding: 'utf8' }).stderr
    expect(piped('make')).toContain('buildjail: hint: it needs Makefile')
    expect(piped('touch', '/new')).toContain('buildjail: hint: it wrote to /new')
  })

  test('has what it wrote in its order where stdout and stderr are one pipe, and ends as it would with the pipe itself when nothing reads any more', () => {
    const shell = (script: string): string => execFileSync('sh', ['-c', script, process.execPath, main], { cwd: project, encoding: 'utf8' })
    const inTurn = 'for i in 1 2 3 4 5 6 7 8 9; do echo out$i; echo err$i >&2; done'
    const words = [...'123456789'].flatMap((number) => [`out${number}`, `err${number}`])
    expect(shell(`"$0" "$1" run sh -c '${inTurn}' 2>&1 | cat`).trim().split('\n')).toEqual(words)
    for (const way of ['2>&1', '2>&1 >/dev/null']) expect(shell(`{ "$0" "$1" run sh -c 'yes >&2' ${way}; echo $? >&3; } 3>status | head -n 1; cat status`), way).toBe('y\n141\n')
  })

  test('rejects with its hints, or has them in its result', async () => {
    const command = ['cat', path.join(project, 'data.txt')]
    const expected = [{ problem: `it needs ${command[1]}, which is on this host and not in the session`, remedy: `inputs: { '${command[1]}': '${command[1]}' } shows it`, about: command[1] }]
    const session = await openSession({})
    try {
      const failure: unknown = await session.run(command).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(CommandError)
      expect((failure as CommandError).hints).toEqual(expected)
      for (const options of [{ all: true }, { encoding: 'buffer' }, { lines: true }] as const) expect((await session.run(command, { reject: false, ...options })).hints).toEqual(expected)
      expect((await session.run(command, { reject: false, stderr: 'ignore' })).hints).toEqual([])
      expect((await session.run(['true'])).hints).toEqual([])
    } finally {
      await session.close()
    }
    expect((await build({ output: folders.output, keep: folders.top }, command, { reject: false })).hints).toEqual(expected)
  })
})
