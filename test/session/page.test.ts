import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import type { RunRecord } from '../../src/recording/run-record.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const markup = '<script>alert(1)</script><img src=x onerror=alert(1)>'
/** As a name of a folder or a variable. */
const inNames = '<script>alert(1)<-script><img>'

describeSession('the page of a run', () => {
  const folders = useFolders()
  const buildjail = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024, env: { ...process.env, PAGE_TOKEN: 'hush-hush' } })

  const inTop = (name: string): string => path.join(folders.top, name)

  /** A run with both files, and what is in them. */
  function told(...args: string[]): { status: number | null; stdout: string; stderr: string; page: string; json: string; record: RunRecord } {
    const [page, record] = [inTop('page.html'), inTop('record.json')]
    for (const file of [page, record]) rmSync(file, { force: true })
    const said = buildjail('run', '--page', page, '--record', record, ...args)
    const json = readFileSync(record, 'utf8')
    return { ...said, page: readFileSync(page, 'utf8'), json, record: JSON.parse(json) as RunRecord }
  }

  // promise: 49
  test('is what buildjail page makes of its record, and both are for the caller alone', () => {
    const { status, page } = told('--input', `src=${folders.input}`, '--output', folders.output, '--', 'true')
    expect(status).toBe(0)
    const again = buildjail('page', inTop('record.json'))
    expect([again.status, again.stderr]).toEqual([0, ''])
    expect(again.stdout).toBe(page)
    for (const name of ['page.html', 'record.json']) expect(statSync(inTop(name)).mode & 0o777).toBe(0o600)
  })

  test('has what was built, used and done, and the output goes where it went before', () => {
    const script = 'echo to stdout; echo to stderr >&2; head -c 3000000 /dev/zero > /tmp/filled; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3'
    const { status, stdout, stderr, record, page } = told('--input', `src=${folders.input}`, '--output', folders.output, '--', 'sh', '-c', script)
    expect([status, stdout]).toEqual([3, 'to stdout\n'])
    expect(stderr).toContain('to stderr\n')
    const { kernel, commands: [command], steps, filled, plan } = record
    expect(command).toMatchObject({ argv: ['sh', '-c', script], cwd: '/tmp', end: { exitCode: 3, timedOut: false }, stdio: { stdout: 10, stderr: 10, leftOut: 0 } })
    expect(command?.stdio.head.map(({ stream, text }) => [stream, text]).sort()).toEqual([['stderr', 'to stderr\n'], ['stdout', 'to stdout\n']])
    expect(command?.end?.usage?.userUs).toBeGreaterThan(0)
    expect(steps.filter(({ phase }) => phase === 'open').length).toBeGreaterThan(3)
    expect(steps.some(({ phase }) => phase === 'close')).toBe(true)
    expect(kernel?.mounts.some(({ from }) => from === folders.input)).toBe(true)
    expect(kernel?.process?.uid).toBe(isFreebsd ? kernel?.user?.uid : 35001)
    if (isFreebsd) expect(kernel?.jail).toMatchObject({ ip4: 'disable', persist: true })
    else expect(kernel?.namespaces?.['mnt']).not.toBe(kernel?.hostNamespaces?.['mnt'])
    expect(filled.find(({ target }) => target === '/tmp')?.used).toBeGreaterThanOrEqual(3_000_000)
    expect(plan.mounts).toContainEqual(expect.objectContaining({ target: '/output', source: folders.output, writable: true, entry: 'output' }))
    expect(record.openedMs).toBeGreaterThan(0)
    expect(record.closedMs).toBeGreaterThan(record.closingMs)
    for (const said of ['failed with exit status 3', folders.input, 'inputs.src', 'to stderr']) expect(page).toContain(said)
  })

  test('has what was used while the command ran, as far as the system counts it', () => {
    const { status, record } = told('--', 'sh', '-c', 'sleep 1')
    expect(status).toBe(0)
    if (record.usage?.by === undefined) return expect(record.samples).toEqual([])
    expect(record.samples.length).toBeGreaterThan(2)
    for (const { atMs } of record.samples) expect(atMs).toBeLessThanOrEqual(record.closingMs)
  })

  test('has which process began which, and what lies in the outputs', () => {
    const { record, page } = told('--output', folders.output, '--', 'sh', '-c', 'mkdir /output/deep; echo 12345 > /output/deep/file; sleep 1.2 & sleep 1; wait')
    const shell = record.processes?.find(({ pid }) => record.processes?.some(({ parent, program }) => parent === pid && program === 'sleep'))
    expect(shell?.program).toBe('sh')
    const sleeps = record.processes?.filter(({ parent, program }) => parent === shell?.pid && program === 'sleep') ?? []
    expect(sleeps).toHaveLength(2)
    for (const { beganMs, lastSeenMs, mostMemory } of sleeps) {
      expect(lastSeenMs - beganMs).toBeGreaterThan(300)
      expect(mostMemory).toBeGreaterThan(4096)
    }
    expect(record.outputs).toMatchObject([{ path: '/output', files: 2 }])
    expect(page).toMatch(/└─ <\/span>sleep/)
  })

  test('has each process of a run with a trace, however short it was', () => {
    const { record, page } = told('--trace', '--', 'sh', '-c', 'i=0; while [ $i -lt 20 ]; do ls /dev/null > /dev/null; i=$((i + 1)); done')
    const isOf = (name: string) => ({ program }: { readonly program?: number }): boolean => record.programs?.[program ?? -1]?.path.endsWith(`/${name}`) === true
    const shell = record.tracedProcesses?.find(isOf('sh'))
    const short = record.tracedProcesses?.filter(isOf('ls')) ?? []
    expect(short.map(({ parent }) => parent)).toEqual(Array.from({ length: 20 }, () => shell?.pid))
    const began = [shell, ...short].map((one) => one?.beganMs ?? -1)
    expect(began).toEqual(began.toSorted((a, b) => a - b))
    expect(began[0]).toBeGreaterThanOrEqual((record.commands[0]?.beganMs ?? 0) - 50)
    expect(began.at(-1)).toBeLessThanOrEqual(record.closingMs + 50)
    if (isFreebsd) for (const { beganMs, endedMs = -1 } of short) expect(endedMs).toBeGreaterThanOrEqual(beganMs)
    expect(page).toMatch(/[├└]─ <\/span>[^<]*\/ls</)
  })

  // promise: 49
  test('shows no text of the build as markup: what it wrote, its name, its arguments, its variables, its folders', () => {
    const folder = inTop(inNames)
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'file'), '')
    const { status, page } = told(
      '--input', `/in/${inNames}=${folder}`, '--env', `TERM=${markup}`, '--env', `${inNames}=x`, '--', 'sh', '-c', 'echo "$TERM"; echo "$1" >&2', 'sh', markup,
    )
    expect(status).toBe(0)
    expect(page).not.toMatch(/<(?:script|img)/)
    expect(page.split('&lt;script&gt;').length).toBeGreaterThan(6)
  })

  // promise: 49
  test('has no value of a variable that may be a secret, nor has the record, unless that is asked for', () => {
    const args = ['--env', 'PAGE_TOKEN', '--env', 'OTHER=quiet-quiet', '--', 'true']
    const { page, json } = told(...args)
    for (const text of [page, json]) {
      expect(text).not.toMatch(/hush-hush|quiet-quiet/)
      expect(text).toContain('PAGE_TOKEN')
    }
    const asked = told('--env-values', ...args)
    for (const text of [asked.page, asked.json]) expect(text).toMatch(/hush-hush[^]*|quiet-quiet/)
  })

  test('is written when the command could not be started, timed out, or came to a limit', () => {
    expect(told('--', 'no-such-command').page).toContain('could not be started')
    expect(told('--timeout', '300ms', '--', 'sleep', '20').page).toContain('timed out')
    const { page, record } = told('--limit', 'stdio=1000B', '--', 'sh', '-c', 'while :; do echo more; done')
    expect(page).toContain('reached its limit of stdio')
    expect(record.plan.limits.stdio).toBe(1000)
  })

  test('has the beginning and the end of an output that is long, and the command is not ended for it', () => {
    const { status, stdout, record } = told('--', 'sh', '-c', 'echo first; yes 0123456789abcdef | head -c 3000000; echo last')
    expect([status, stdout.length]).toEqual([0, 3_000_011])
    const [command] = record.commands
    expect(command?.stdio.stdout).toBe(3_000_011)
    expect(command?.stdio.leftOut).toBeGreaterThan(2_500_000)
    expect(command?.stdio.head[0]?.text.startsWith('first\n')).toBe(true)
    expect(command?.stdio.tail.at(-1)?.text.endsWith('last\n')).toBe(true)
  })

  // promise: 49
  test('is not written where a build can have put a link to any file of the host', () => {
    const victim = inTop('victim')
    writeFileSync(victim, 'untouched')
    symlinkSync(victim, path.join(folders.output, 'page.html'))
    for (const option of ['--page', '--record']) {
      for (const file of [path.join(folders.output, 'page.html'), path.join(folders.output, 'new.html')]) {
        const { status, stderr } = buildjail('run', '--output', folders.output, option, file, '--', 'touch', '/output/ran')
        expect(status).toBe(125)
        expect(stderr).toContain(`${option}: ${file} lies in output, which the build writes to`)
      }
    }
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
    expect(existsSync(path.join(folders.output, 'ran'))).toBe(false)
    // By another way to the same folder.
    symlinkSync(folders.output, inTop('way'))
    expect(buildjail('run', '--output', folders.output, '--page', inTop('way/page.html'), '--', 'true').stderr).toContain('lies in output')
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
  })

  // promise: 49
  test('is not written through a link that an earlier build has left', () => {
    const victim = inTop('victim')
    writeFileSync(victim, 'untouched')
    expect(buildjail('run', '--output', folders.output, '--', 'ln', '-s', victim, '/output/run.html').status).toBe(0)
    const file = path.join(folders.output, 'run.html')
    for (const option of ['--page', '--record']) {
      const { status, stderr } = buildjail('run', option, file, '--', 'true')
      expect([status, stderr]).toEqual([125, `buildjail: ${option}: ${file} is a symbolic link, which is not followed; name the file that it leads to\n`])
    }
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
  })

  // promise: 49
  test('goes to stdout, to an open file or through a pipe where that is asked for', () => {
    // What spawnSync gives is a socket, which nobody opens.
    const inShell = (script: string): string => spawnSync('sh', ['-c', script, 'sh', inTop('to'), process.execPath, main], { encoding: 'utf8' }).stdout
    for (const to of ['/dev/stdout', '/dev/fd/1']) expect(inShell(`"$2" "$3" run --record ${to} -- true | cat`)).toContain('"format": "buildjail-run"')
    expect(inShell('"$2" "$3" run --page /dev/stderr -- true 2> "$1"; cat "$1"; rm "$1"')).toContain('</html>')
  })

  // promise: 49
  test('is not waited for, nor what is read, where an earlier build has left a fifo', () => {
    expect(buildjail('run', '--output', folders.output, '--', 'mkfifo', '/output/left').status).toBe(0)
    const left = path.join(folders.output, 'left')
    for (const args of [['run', '--page', left, '--', 'true'], ['run', '--record', left, '--', 'true'], ['run', '-f', left, '--', 'true'], ['plan', '-f', left], ['page', left]]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 })
      expect([args, status, stdout]).toEqual([args, 125, ''])
      expect(stderr).toMatch(/^buildjail: \S+: .*cannot be (read|written): (it is no regular file|ENXIO)|^buildjail: \S+ cannot be read: it is no regular file/)
    }
  })

  test('is refused of what is no record, in one sentence', () => {
    writeFileSync(inTop('other.json'), '{"version":1}')
    for (const args of [['page', inTop('other.json')], ['page', inTop('absent.json')], ['page'], ['page', 'a', 'b'], ['run', '--env-values', '--', 'true'], ['run', '--page', '', '--', 'true']]) {
      const { status, stdout, stderr } = buildjail(...args)
      expect([status, stdout]).toEqual([125, ''])
      expect(stderr).toMatch(/^buildjail: [^\n]+\n$/)
    }
    expect(buildjail('page', inTop('other.json')).stderr).toContain('is not a record of version 1: format: must be "buildjail-run"')
  })
})
