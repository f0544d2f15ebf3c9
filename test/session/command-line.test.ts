import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { describe, expect, test } from 'vitest'

import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'

const isBun = process.versions['bun'] !== undefined
const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

describeSession('the command line', () => {
  const folders = useFolders()
  const buildjail = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', input: 'given on stdin\n' })

  test('is there, built', () => {
    expect(existsSync(main)).toBe(true)
  })

  describe('keeps its compiled code in the package', () => {
    const kept = path.join(path.dirname(main), 'compiled')
    /** The package as another user has it, as far as this needs it, with the launcher that src/cli has now. */
    const copied = async (): Promise<string> => {
      const folder = path.join(folders.top, 'package', 'dist', 'cli')
      cpSync(path.dirname(main), folder, { recursive: true })
      rmSync(path.join(folder, 'compiled'), { recursive: true, force: true })
      const bundle = pathToFileURL(fileURLToPath(new URL('../../scripts/cli/bundle.mjs', import.meta.url))).href
      const { mainOf } = (await import(bundle)) as { mainOf: (text: string) => Promise<string> }
      writeFileSync(path.join(folder, 'main.cjs'), await mainOf(readFileSync(path.join(folder, 'buildjail.cjs'), 'utf8')))
      symlinkSync(fileURLToPath(new URL('../../build', import.meta.url)), path.join(folders.top, 'package', 'build'))
      symlinkSync(fileURLToPath(new URL('../../prebuilds', import.meta.url)), path.join(folders.top, 'package', 'prebuilds'))
      return folder
    }
    const run = (folder: string, ...words: string[]): number | null => spawnSync(process.execPath, [path.join(folder, 'main.cjs'), 'run', ...words]).status

    test.skipIf(isBun)('after the first run, for the next', () => {
      expect(buildjail('run', 'true').status).toBe(0)
      expect(readdirSync(kept)).toEqual([expect.stringMatching(/^[0-9a-f]{16}-/)])
    })

    test.skipIf(isBun)('but not of a run that was refused, and runs the same where what is kept is no such code', async () => {
      const folder = await copied()
      expect([run(folder, '--frob'), existsSync(path.join(folder, 'compiled'))]).toEqual([125, false])
      expect([run(folder, 'true'), readdirSync(path.join(folder, 'compiled')).length]).toEqual([0, 1])
      const file = path.join(folder, 'compiled', readdirSync(path.join(folder, 'compiled'))[0] ?? '')
      for (const text of ['', 'none', readFileSync(file).subarray(0, 4096)]) {
        writeFileSync(file, text)
        expect(run(folder, 'true')).toBe(0)
      }
    })

    test.runIf(process.getuid?.() === 0 && !isBun)('but not in a package of somebody else’s', async () => {
      const folder = await copied()
      chownSync(folder, 1, 1)
      expect([run(folder, 'true'), existsSync(path.join(folder, 'compiled'))]).toEqual([0, false])
    })

    test.skipIf(isBun).each([0, 0o022, 0o077])('where no other user can write, under umask %i', async (mask) => {
      const folder = await copied()
      const before = process.umask(mask)
      try {
        expect(run(folder, 'true')).toBe(0)
      } finally {
        process.umask(before)
      }
      const compiled = path.join(folder, 'compiled')
      const [name = ''] = readdirSync(compiled)
      expect([statSync(compiled).mode & 0o7777, statSync(path.join(compiled, name)).mode & 0o7777]).toEqual([0o755 & ~mask, 0o644 & ~mask])
    })

    // V8 executes what it is given for a source of that length, whatever the source says.
    test.skipIf(isBun)('and believes none that another user can have written', async () => {
      const folder = await copied()
      expect(run(folder, 'true')).toBe(0)
      const compiled = path.join(folder, 'compiled')
      const file = path.join(compiled, readdirSync(compiled)[0] ?? '')
      const { length } = readFileSync(path.join(folder, 'buildjail.cjs'), 'latin1')
      const planted = new Script("(function (exports) { if (exports) console.log('planted') })".padEnd(length), { filename: path.join(folder, 'buildjail.cjs') })
      ;(planted.runInThisContext() as (exports?: unknown) => void)()
      const spoken = (): string => spawnSync(process.execPath, [path.join(folder, 'main.cjs'), '--help'], { encoding: 'utf8' }).stdout
      const plant = (): void => {
        rmSync(compiled, { recursive: true, force: true })
        mkdirSync(compiled, { mode: 0o755 })
        writeFileSync(file, planted.createCachedData(), { mode: 0o644 })
      }
      plant()
      expect(spoken()).toBe('planted\n')
      const ways: Record<string, () => void> = {
        'a folder that all may write to': () => chmodSync(compiled, 0o777),
        'a folder that a group may write to': () => chmodSync(compiled, 0o775),
        'a file that all may write to': () => chmodSync(file, 0o666),
        'a link': () => {
          renameSync(file, `${file}-elsewhere`)
          symlinkSync(`${file}-elsewhere`, file)
        },
        'a folder behind a link': () => {
          renameSync(compiled, `${compiled}-elsewhere`)
          symlinkSync(`${compiled}-elsewhere`, compiled)
        },
        ...(process.getuid?.() === 0
          ? { 'a file of another user’s': () => chownSync(file, 1, 1), 'a folder of another user’s': () => chownSync(compiled, 1, 1) }
          : {}),
      }
      for (const [way, change] of Object.entries(ways)) {
        plant()
        change()
        expect([way, spoken()]).toEqual([way, expect.stringContaining('buildjail run')])
        rmSync(`${compiled}-elsewhere`, { recursive: true, force: true })
      }
    })
  })

  test("runs a command with the caller's stdio and ends with its status", () => {
    const script = 'cat; cat /inputs/src/given.txt > /output/copy; echo err >&2; exit 7'
    const { status, stdout, stderr } = buildjail(
      'run', '--input', `src=${folders.input}`, '--output', folders.output, '--', 'sh', '-c', script,
    )
    expect([status, stdout, stderr]).toEqual([7, 'given on stdin\n', 'err\n'])
    expect(readFileSync(path.join(folders.output, 'copy'), 'utf8')).toBe('given\n')
  })

  test.skipIf(process.versions['bun'] !== undefined)('loads no module of Node that the run does not need: each takes as long as many steps of a session', () => {
    const [hook, loaded] = ['hook.cjs', 'loaded'].map((name) => path.join(folders.top, name)) as [string, string]
    writeFileSync(
      hook,
      `const { Module } = require('node:module'), { require: load } = Module.prototype, names = []
       Module.prototype.require = function (name) { return names.push(name), load.call(this, name) }
       process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(loaded)}, names.join(' ')))`,
    )
    expect(spawnSync(process.execPath, ['-r', hook, main, 'run', 'true'], { stdio: 'ignore' }).status).toBe(0)
    const names = readFileSync(loaded, 'utf8').split(' ')
    expect(names).toContain('node:fs')
    expect(names.filter((name) => ['node:tty', 'node:net', 'node:stream', 'node:fs/promises', 'node:child_process', 'node:crypto'].includes(name))).toEqual([])
  })

  test('tells events as lines of JSON, and how it ended in the last', () => {
    const { status, stdout, stderr } = buildjail('run', '--events', '--', 'sh', '-c', String.raw`printf "h\303"; sleep 0.1; printf "\251\n"; printf "\303" >&2; exit 3`)
    expect([status, stderr]).toEqual([3, ''])
    const lines = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    expect([...new Set(lines.map(({ event }) => event))]).toEqual(['step', 'command', 'stdio', 'end', 'close', 'result'])
    const texts = (stream: string): string => lines.filter((line) => line['event'] === 'stdio' && line['stream'] === stream).map(({ text }) => text).join('')
    expect([texts('stdout'), texts('stderr')]).toEqual(['hé\n', '\ufffd'])
    const last = lines.at(-1) as { result: object }
    expect(last).toMatchObject({ event: 'result', result: { exitCode: 3, failed: true } })
    expect(last.result).not.toHaveProperty('stdout')
    const refused = buildjail('run', '--events', '--', 'no-such-command').stdout.trimEnd().split('\n')
    expect(JSON.parse(refused.at(-1) ?? '')).toMatchObject({ event: 'result', error: { code: 'ENOENT' } })
    expect(JSON.parse(buildjail('run', '--events', '--frob', 'true').stdout)).toMatchObject({ event: 'result', error: { entry: '--frob' } })
  })

  test('needs neither a name for what has one, nor -- before the command, nor a folder for the output', () => {
    const made = path.join(folders.top, 'made', 'out')
    const { status, stdout, stderr } = buildjail('run', '--input', folders.input, '--output', made, 'sh', '-c', 'cp /inputs/*/given.txt /output; ls /inputs')
    expect([status, stdout, stderr]).toEqual([0, `${path.basename(folders.input)}\n`, ''])
    expect(readFileSync(path.join(made, 'given.txt'), 'utf8')).toBe('given\n')
  })

  test.each([
    ['127 for a command that is not there', 127, ['no-such-command']],
    ['127 for a path where there is none', 127, ['/no/such/command']],
    ['126 for a folder', 126, ['/tmp']],
    ['126 for a file without permission to execute it', 126, ['/inputs/given.txt']],
    ['126 for a file that is no program', 126, ['/inputs/empty']],
    ['125 for a working directory that is not there', 125, ['--cwd', '/no/such/folder', 'true']],
  ])('ends with %s', (_, expected, words) => {
    writeFileSync(path.join(folders.input, 'empty'), '')
    chmodSync(path.join(folders.input, 'empty'), 0o755)
    const { status, stdout, stderr } = buildjail('run', '--input', `/inputs=${folders.input}`, ...words)
    expect([status, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(/^buildjail: .+\n/)
  })

  test('runs what a file says, with paths of the folder that it is in', () => {
    const file = path.join(folders.top, 'build.json')
    const inside = (folder: string): string => path.relative(folders.top, folder)
    writeFileSync(file, `{
      // from the folder of this file
      "inputs": { "src": ${JSON.stringify(inside(folders.input))} },
      "outputs": { "made": ${JSON.stringify(inside(folders.output))} },
      "command": ["cp", "/inputs/src/given.txt", "/outputs/made/by-file"],
    }`)
    expect(buildjail('run', '-f', file)).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(path.join(folders.output, 'by-file'), 'utf8')).toBe('given\n')
    expect(buildjail('run', '-f', file, '--env', 'A=b', 'sh', '-c', 'echo $A; ls /inputs')).toMatchObject({ status: 0, stdout: 'b\nsrc\n' })
    const { status, stdout } = spawnSync(process.execPath, [main, 'plan', '-f', '-'], { encoding: 'utf8', input: '{ "inputs": { "here": "." } }', cwd: folders.input })
    expect([status, stdout]).toEqual([0, expect.stringContaining(folders.input)])
  })

  test('gives a command a terminal by --pty where there is none, with stdin typed into it', () => {
    const { status, stdout, stderr } = buildjail('run', '--pty', 'sh', '-c', 'test -t 0 && test -t 1 && test -t 2; echo $?; read line; echo "got $line" >&2; stty size; exit 4')
    expect([status, stderr]).toEqual([4, ''])
    expect(stdout).toMatch(/^(?=(.|\r\n)*0\r\n)(?=(.|\r\n)*got given on stdin\r\n)(.|\r\n)*24 80\r\n$/)
    const collected = buildjail('run', '--pty', '--json', 'sh', '-c', 'tty > /dev/null && echo yes')
    expect(JSON.parse(collected.stdout)).toMatchObject({ result: { stdout: 'yes', exitCode: 0 } })
  })

  test('ends a command with --pty that nobody reads any more as little as any other', () => {
    const words = [process.execPath, main, 'run', '--pty', '--output', folders.output, 'sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i + 1)); done; echo > /output/done']
    const { status } = spawnSync('sh', ['-c', '"$@" < /dev/null | head -n 1', 'sh', ...words])
    expect([status, existsSync(path.join(folders.output, 'done'))]).toEqual([0, true])
  })

  test('shows all output, and no line of progress, where no terminal is', () => {
    expect(buildjail('run', '--progress', 'sh', '-c', 'echo out; echo err >&2; sleep 1')).toMatchObject({ status: 0, stdout: 'out\n', stderr: 'err\n' })
  })

  test('does not run anything where its record could not be written', () => {
    const { status, stderr } = buildjail('run', '--output', folders.output, '--record', '/no/such/folder/record', 'touch', '/output/ran')
    expect([status, existsSync(path.join(folders.output, 'ran'))]).toEqual([125, false])
    expect(stderr).toMatch(/^buildjail: --record: .*ENOENT.*\n$/)
  })

  test.each([
    ['a source that is not there', ['run', '--input', 'src=/no/such/source', '--', 'true']],
    ['an option that is not known', ['run', '--no-such-option', 'true']],
    ['no command at all', ['run']],
  ])('ends with 125 and one sentence for %s', (_, args) => {
    const { status, stdout, stderr } = buildjail(...args)
    expect([status, stdout]).toEqual([125, ''])
    expect(stderr).toMatch(/^buildjail: .+\n/)
  })

  test('tells in JSON how it went and how long each step took', () => {
    const { status, stdout } = buildjail('run', '--json', '--', 'sh', '-c', 'echo out')
    const { result, steps } = JSON.parse(stdout) as { result: { stdout: string; exitCode: number }; steps: { step: string; ns: number }[] }
    expect([status, result.stdout, result.exitCode]).toEqual([0, 'out', 0])
    expect(steps.length).toBeGreaterThan(0)
    expect(steps.every(({ step, ns }) => step !== '' && ns >= 0)).toBe(true)
  })

  test('prints a plan without making anything', async () => {
    const before = await hostState()
    const { status, stdout } = buildjail('plan', '--input', `src=${folders.input}`)
    expect(status).toBe(0)
    expect(stdout).toContain('/inputs/src')
    await expectSameState(before)
  })

  test('has a doctor that says what this suite has seen: sessions can be opened', async () => {
    const before = await hostState()
    const { status, stdout } = buildjail('doctor', '--json')
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { isSupported: true, obstacles: [] }])
    await expectSameState(before)
  })

  test.skipIf(!existsSync('/dev/full'))('says in one sentence that its stdout is full, and that is its status', () => {
    const into = (where: string, ...words: string[]): object => {
      const { status, stderr } = spawnSync('sh', ['-c', `exec "$@" ${where}`, 'sh', process.execPath, main, ...words], { encoding: 'utf8' })
      return [status, stderr]
    }
    const message = expect.stringMatching(/^buildjail: stdout cannot be written: ENOSPC: [^\n]*\n$/) as string
    expect(into('>/dev/full', 'plan')).toEqual([125, message])
    expect(into('>/dev/full', 'run', '--json', 'true')).toEqual([125, message])
    expect(into('>/dev/full', 'run', '--json', 'sh', '-c', 'exit 3')).toEqual([3, message])
    expect(into('>/dev/full 2>/dev/full', 'plan')).toEqual([125, ''])
  })

  test('is refused in a folder whose name is not UTF-8, whatever folder has the name that it is decoded to', () => {
    const decoded = path.join(folders.top, 'B\uFFFDro')
    mkdirSync(Buffer.from(`${folders.top}/B\xfcro`, 'latin1'))
    const ranIn = (name: string, ...words: string[]): readonly unknown[] => {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', `cd "$1/$(printf '${name}')" && shift && exec "$@"`, 'sh', folders.top, process.execPath, main, ...words], { encoding: 'utf8' })
      return [status, stdout, stderr]
    }
    const refused = [125, '', `buildjail: current folder: ${decoded} is not UTF-8; rename it, or work in another folder\n`]
    const asked = [['run', '--here', 'true'], ['run', '--input', '.', 'true'], ['plan']]
    for (const words of asked) expect(ranIn(String.raw`B\374ro`, ...words)).toEqual(refused)
    mkdirSync(decoded)
    writeFileSync(path.join(decoded, 'package.json'), '{}')
    for (const words of asked) expect(ranIn(String.raw`B\374ro`, ...words)).toEqual(refused)
    expect(ranIn(String.raw`B\357\277\275ro`, 'run', '--here', 'pwd')).toEqual([0, `${decoded}\n`, ''])
  })

  /** When the command is up, and how it ends. */
  const begun = async (script: string) => {
    const child = spawn(process.execPath, [main, 'run', '--output', folders.output, 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] })
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => (told += String(chunk)))
    const ended = new Promise((resolve) => child.once('close', (code) => resolve(code)))
    await expect.poll(() => existsSync(path.join(folders.output, 'up')), { timeout: 20_000 }).toBe(true)
    return { child, ended, told: () => told }
  }

  test('leaves nothing when it is interrupted', async () => {
    const before = await hostState()
    // `exec`: dash loses a SIGINT for what it is about to start by vfork(2), and waits for that.
    const { child, ended } = await begun('echo > /output/up; exec sleep 100')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    await expectSameState(before)
  })

  test('ends with the status of a command that does something of its own on SIGINT', async () => {
    const { child, ended, told } = await begun("trap 'echo > /output/cleaned; exit 9' INT; echo > /output/up; while :; do sleep 0.1; done")
    child.kill('SIGINT')
    expect([await ended, told(), existsSync(path.join(folders.output, 'cleaned'))]).toEqual([9, '', true])
  })

  test('says of a command that goes on how it is ended, and the second SIGINT ends it at once, with all that it started', async () => {
    const before = await hostState()
    const { child, ended, told } = await begun("trap '' INT TERM; sleep 100 & echo > /output/up; while :; do sleep 0.1; done")
    child.kill('SIGINT')
    await expect.poll(told, { timeout: 20_000 }).toBe('buildjail: the command got SIGINT and goes on; a second SIGINT ends it\n')
    const second = performance.now()
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    // SIGTERM would have had five seconds.
    expect(performance.now() - second).toBeLessThan(4000)
    await expectSameState(before)
  })
})
