import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { dispatch } from '../../src/cli/dispatch.ts'
import { describeError, jsonText } from '../../src/cli/report.ts'
import { styleFor, type Style } from '../../src/cli/terminal.ts'
import { statusOfRefusal, statusOfSignal } from '../../src/cli/exit-status.ts'
import type { NativeFailure } from '../../src/errors.ts'
import { fieldNames, fields } from '../../src/spec/fields.ts'
import { planOf } from '../../src/spec/plan.ts'
import type { Result } from '../../src/command/result.ts'
import type { RunRecord } from '../../src/recording/run-record.ts'
import { FakeAddon } from './fake-addon.ts'
import { HostTree } from './host-tree.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
const blanks = vi.hoisted(() => ({ count: 0 }))
vi.mock('../../src/host/blank-sessions.ts', () => ({ countBlanks: () => blanks.count }))
beforeEach(() => {
  addon.reset()
  blanks.count = 0
})

const tree = new HostTree()
const source = tree.directory('source')

// Plans are for the system under the test; where there is none to plan for, there is no command line to test.
const supported = describe.skipIf(process.platform !== 'freebsd' && process.platform !== 'linux')

const isLinux = process.platform === 'linux'

interface Said {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function say(...argv: string[]): Promise<Said> {
  let out = ''
  let err = ''
  const status = await dispatch(argv, { out: (text) => (out += text), err: (text) => (err += text) })
  return { status, out, err }
}

const run = (...argv: string[]): Promise<Said> => say('run', '--toolchain', 'none', ...argv)

const failure = (more: Partial<NativeFailure> = {}): NativeFailure => ({
  code: 'ENOENT',
  errno: -2,
  syscall: 'execve',
  step: 'execve',
  reason: 'no such file or directory',
  path: '/bin/cc',
  ...more,
})

describe('completion and help', () => {
  it('prints what a shell reads', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) expect(await say('completion', shell)).toMatchObject({ status: 0, err: '', out: expect.stringContaining('buildjail') })
  })

  it('refuse what they do not know, and name what there is', async () => {
    expect(await say('completion', 'csh')).toEqual({ status: 125, out: '', err: 'buildjail: csh: is not a shell that buildjail completes for; those are bash, zsh, fish\n' })
    expect(await say('help', 'frob')).toMatchObject({ status: 125, out: '', err: expect.stringContaining('spec-file, signals, environment, and each option') })
  })

  it('colours are for a terminal that wants them', async () => {
    let out = ''
    let err = ''
    const colored = (): Style => styleFor(() => true, {})
    const terminal = { out: (text: string) => (out += text), err: (text: string) => (err += text), style: { out: colored, err: colored } }
    await dispatch(['help', 'run'], terminal)
    await dispatch(['frob'], terminal)
    expect([out.slice(0, 15), err.slice(0, 20)]).toEqual(['\x1b[1mUsage:\x1b[22m', '\x1b[31mbuildjail:\x1b[39m'])
  })
})

describe('help needs nothing and says all', () => {
  it.each([['--help'], ['run', '--help'], ['plan', '--help'], ['doctor', '--help'], ['ps', '--help'], ['gc', '--help']])('%s %s', async (...argv) => {
    const { status, out, err } = await say(...argv.filter((word) => word !== undefined))
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toMatch(/^Usage: buildjail /)
  })

  it.each(['run', 'plan'])('every field of a spec is an option of %s, with a line of its own', async (verb) => {
    const { out } = await say(verb, '--help')
    for (const name of fieldNames) {
      const { flag } = fields[name]
      expect(out.replaceAll(/\s+/g, ' '), name).toContain([` --${flag.name}`, ...(flag.value === undefined ? [] : [flag.value]), flag.help].join(' '))
    }
    for (const option of ['--timeout', '--record', '--json']) expect(out).toContain(`\n  ${option} `)
  })

  it.each(['run', 'plan', 'doctor', 'ps', 'gc'])('%s --help fits into a terminal of 100 columns', async (verb) => {
    const { out } = await say(verb, '--help')
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  it('the version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
    for (const word of ['--version', '-V']) expect(await say(word)).toEqual({ status: 0, out: `${version}\n`, err: '' })
  })
})

describe('ps', () => {
  const listed = { pid: 17, startedMs: Date.UTC(2026, 0, 2, 3, 4, 5), isLive: true }

  it('lists sessions, one a line', async () => {
    addon.reset({ listedSessions: [{ id: '0f', name: 'nightly', ...listed, root: '/run/0f/root', jid: 3 }, { id: 'f1', ...listed, isLive: false }] })
    const { status, out, err } = await say('ps')
    expect([status, err]).toEqual([0, ''])
    expect(out.split('\n').map((line) => line.split(/ +/))).toEqual([
      ['ID', 'NAME', 'PID', 'STARTED', 'STATE', 'JID', 'ROOT'],
      ['0f', 'nightly', '17', '2026-01-02T03:04:05Z', 'live', '3', '/run/0f/root'],
      ['f1', '-', '17', '2026-01-02T03:04:05Z', 'orphaned', '-', '-'],
      [''],
    ])
  })

  it('says it in JSON', async () => {
    addon.reset({ listedSessions: [{ id: '0f', ...listed }] })
    const { status, out } = await say('ps', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(out)).toEqual([{ id: '0f', pid: 17, startedAt: '2026-01-02T03:04:05.000Z', state: 'live' }])
  })
})

it.each(['ps', 'doctor'])('%s counts the sessions that are made ahead, where there are some', async (verb) => {
  expect((await say(verb)).out).not.toContain('ahead')
  blanks.count = 3
  expect((await say(verb)).out).toMatch(/\nblank sessions, made ahead by programs of this user: 3\n$/)
})

describe.each(['ps', 'gc'])('%s', (verb) => {
  it('is of the sessions whose state directory is named', async () => {
    addon.reset()
    expect(await say(verb, '--state-directory', tree.directory('state'))).toMatchObject({ status: 0, err: '' })
    expect(addon.stateDirectory).toBe(tree.at('state'))
  })
})

describe('gc', () => {
  const recovered = { id: '0f', pid: 17, jail: 'bj-0f', unmounted: ['/a/b', '/a'], handedBack: ['/out'], lost: ['/gone'] }

  it('says that there was nothing', async () => {
    expect(await say('gc')).toEqual({ status: 0, out: 'nothing to recover\n', err: '' })
  })

  it('says what it took away', async () => {
    addon.reset({ recoveryReport: { recovered: [recovered], leftAlone: [] } })
    const { status, out, err } = await say('gc')
    expect([status, err]).toEqual([0, ''])
    expect(out).toBe('0f (pid 17): removed jail bj-0f, unmounted 2, gave back /out, lost /gone\n')
  })

  it('ends with 1 when something was left alone, and says why on stderr', async () => {
    addon.reset({ recoveryReport: { recovered: [], leftAlone: [{ path: '/run/x', reason: 'it is none of ours' }] } })
    expect(await say('gc')).toEqual({ status: 1, out: '', err: 'buildjail: left alone: /run/x: it is none of ours\n' })
  })

  it('says it in JSON', async () => {
    const recoveryReport = { recovered: [recovered], leftAlone: [{ path: '/run/x', reason: 'it is none of ours' }] }
    addon.reset({ recoveryReport })
    const { status, out } = await say('gc', '--json')
    expect(status).toBe(1)
    expect(JSON.parse(out)).toEqual(recoveryReport)
  })
})

describe('doctor', () => {
  const obstacle = { check: 'privilege', problem: 'only root may', remedy: 'run it as root' }
  const limitation = { check: 'racct', problem: 'nothing is counted', remedy: 'count it' }

  it('says that sessions can be opened, where, and ends with 0', async () => {
    const { status, out, err } = await say('doctor')
    expect({ status, err }).toEqual({ status: 0, err: '' })
    const [host, verdict, ...more] = out.split('\n')
    expect(host).toContain(process.platform)
    expect([verdict, ...more]).toEqual(['sessions can be opened on this host', ''])
  })

  it('ends with 1 where there is an obstacle, and says what to do about it', async () => {
    addon.reset({ preflight: { obstacles: [obstacle], limitations: [] } })
    const { status, out } = await say('doctor')
    expect(status).toBe(1)
    expect(out).toMatch(/\nno session can be opened on this host:\n  privilege: only root may\n    remedy: run it as root\n$/)
  })

  it('a limitation is told, and is no obstacle', async () => {
    addon.reset({ preflight: { obstacles: [], limitations: [limitation] } })
    const { status, out } = await say('doctor')
    expect(status).toBe(0)
    expect(out).toMatch(/\nsessions can be opened on this host\nsessions do without:\n  racct: nothing is counted\n    remedy: count it\n$/)
  })

  it('says the same in JSON', async () => {
    addon.reset({ preflight: { obstacles: [obstacle], limitations: [limitation] } })
    const { status, out } = await say('doctor', '--json')
    expect(status).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ isSupported: false, blankSessions: 0, obstacles: [obstacle], limitations: [limitation], host: { system: expect.stringContaining(process.arch) } })
  })
})

supported('a name that a build or another user chose steers no terminal, and forges no line of ours', () => {
  const name = 'x\u001b]0;PWNED\u0007\nbuildjail: nothing went wrong\u009b31m'
  const shown = String.raw`"x\u{1b}]0;PWNED\u{7}\u{a}buildjail: nothing went wrong\u{9b}31m"`
  const steering = /[^\P{Cc}\n]/u
  const failed = ({ job }: { readonly job: number }): void => addon.exit(job, { exitCode: 1 })

  // promise: 49
  it.each([['run'], ['run', '--json']])('%s: what was not kept, or was left in an output', async (...args) => {
    addon.reset({ behaviour: failed, notKept: [`tmp/${name}`], closeReport: { steps: [], failures: [], leftInOutputs: [{ path: `/out/${name}`, what: 'an access list' }] } })
    const { out, err } = await say(...args, '--toolchain', 'none', '--keep', tree.directory('kept'), '--', 'false')
    expect(err.split('\n')).toEqual([
      `buildjail: left in an output: ${shown.replace('x', '/out/x')}: an access list`,
      expect.stringMatching(/^buildjail: its files are kept in \S+, but for /),
      '',
    ])
    expect(err).toContain(`, but for ${shown.replace('x', 'tmp/x')}\n`)
    expect(out.trimEnd()).not.toMatch(steering)
    if (args.length > 1) expect(JSON.parse(out)).toMatchObject({ result: { kept: { left: [`tmp/${name}`] }, leftInOutputs: [{ path: `/out/${name}` }] } })
  })

  // promise: 49
  it('gc: what was given back, lost and left alone', async () => {
    addon.reset({ recoveryReport: { recovered: [{ id: '0f', pid: 17, unmounted: [], handedBack: [name], lost: [name] }], leftAlone: [{ path: name, reason: `of ${name}` }] } })
    const { out, err } = await say('gc')
    expect(out).toBe(`0f (pid 17): gave back ${shown}, lost ${shown}\n`)
    expect(err).toBe(`buildjail: left alone: ${shown}: of ${shown.slice(1, -1)}\n`)
  })

  // promise: 49
  it('run: an error, be it of ours or not', async () => {
    for (const problem of [failure({ path: name }), new Error(`open '${name}'`)]) {
      addon.reset({ launchFailure: problem as NativeFailure })
      const { err } = await run('--', 'cc')
      expect(err).toMatch(/^buildjail: .*nothing went wrong.*\n$/)
      expect(err.trimEnd()).not.toMatch(steering)
    }
  })

  // promise: 49
  it('plan: a file of a spec, a warning and a command', async () => {
    const file = tree.file(`spec\u001b[31m.json`)
    writeFileSync(file, '{ "nothing": 1 }')
    for (const { out, err } of [await say('plan', '--file', file), await say('plan', '--toolchain', 'none', '--', 'sh', '-c', name)]) {
      expect(`${out}${err}`).toMatch(/\\u\{1b\}/)
      expect(`${out}${err}`).not.toMatch(steering)
    }
  })

  // promise: 49
  it('JSON has it by numbers, for a terminal has controls that JSON lets through', () => {
    const value = { [name]: '\u007f\u0085\u009b\u200e\u2028\u{e0001}é\u{1f600}' }
    const text = jsonText(value)
    expect(text).toContain(String.raw`\u007f\u0085\u009b\u200e\u2028\udb40\udc01é` + '\u{1f600}')
    expect(text).not.toMatch(steering)
    expect(JSON.parse(text)).toEqual(value)
    expect(JSON.parse(jsonText(value, 2))).toEqual(value)
  })
})

supported('a refusal is one sentence on stderr, 125, and with --json an object', () => {
  it.each<[string[], sentence: string]>([
    [['plan', '--toolchain', 'none', '--input', 'src=/nonexistent'], 'buildjail: --input src: /nonexistent does not exist (ENOENT)\n'],
    [['plan', '--toolchain', 'none', '--input', 'a/b=/nonexistent'], "buildjail: --input nonexistent: a/b=/nonexistent does not exist (ENOENT); to show /nonexistent at /a/b, write /a/b=/nonexistent\n"],
    [['plan', '--toolchain', 'none', '--user', '0:0'], 'buildjail: --user: to be root inside, say --user root\n'],
    [['plan', '--frob'], "buildjail: --frob: is not an option of buildjail plan\n"],
    [['run', '--toolchain', 'none'], 'buildjail: command: is missing; it comes last\n'],
    [['plan', '--toolchain', 'none', '--', ''], 'buildjail: command[0]: must not be empty\n'],
    [['plan', '--toolchain', 'none', '--network', isLinux ? 'vnet:epair0b' : 'namespace:/run/netns/a'], isLinux ? 'buildjail: --network: only FreeBSD moves an interface into a session; on Linux hand in --network namespace:/run/netns/NAME\n' : 'buildjail: --network: only Linux has network namespaces; on FreeBSD hand in --network vnet:INTERFACE\n'],
    [['run', '--toolchain', 'none', '--cwd', 'src', '--', 'cc'], 'buildjail: --cwd: src is not absolute\n'],
  ])('%j', async (argv, sentence) => {
    expect(await say(...argv)).toEqual({ status: 125, out: '', err: sentence })
    expect(addon.acts).toEqual([])
  })

  it('with the stable fields of the error, and no others', async () => {
    const { status, out } = await say('plan', '--json', '--toolchain', 'none', '--input', 'src=/nonexistent')
    expect(status).toBe(125)
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'ERR_BUILDJAIL_SOURCE_MISSING',
        message: '--input src: /nonexistent does not exist (ENOENT)',
        step: 'plan',
        entry: 'inputs.src',
        errno: -2,
        syscall: expect.any(String) as string,
        path: '/nonexistent',
      },
    })
  })

  it('also when the arguments cannot be read', async () => {
    const { status, out } = await say('plan', '--json', '--frob')
    expect(status).toBe(125)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: '--frob' } })
  })
})

supported('buildjail plan shows what run would build', () => {
  it('as text, with the command as a shell would be given it', async () => {
    const { status, out, err } = await say('plan', '--toolchain', 'none', '--input', `src=${source}`, '--', 'echo', 'two words')
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out.split('\n').map((line) => line.trim().split(/ {2,}/))).toContainEqual(['bind', 'ro', '/inputs/src', source, 'inputs.src'])
    expect(out).toMatch(/\ncommand\n {2}echo 'two words'\n$/)
  })

  it('as JSON, which is the plan itself', async () => {
    const { status, out } = await say('plan', '--json', '--toolchain', 'none', '--input', `src=${source}`, '--user', '5:6:7')
    expect(status).toBe(0)
    expect(JSON.parse(out)).toEqual(planOf({ toolchain: 'none', inputs: { src: source }, user: { uid: 5, gid: 6, groups: [7] } }))
  })

  it('and touches nothing', async () => {
    await say('plan', '--toolchain', 'none', '--input', `src=${source}`)
    expect(addon.acts).toEqual([])
  })
})

supported('buildjail run has the exit status of the command', () => {
  it.each([
    ['a success', { exitCode: 0 }, 0],
    ['a failure', { exitCode: 7 }, 7],
    ['a signal', { signal: 'SIGSEGV' }, 139],
    ['another', { signal: 'SIGKILL' }, 137],
    ['a signal without a name', { signal: 'SIG40' }, 168],
  ])('%s', async (_what, how, status) => {
    addon.reset({ behaviour: ({ job: number }) => addon.exit(number, how) })
    expect(await run('--', 'cc')).toEqual({ status, out: '', err: '' })
    expect(addon.acts).toEqual(['open', 'launch', 'close'])
  })

  it.each([
    [{ signal: 'SIGKILL', limit: 'stdio' }, 124, 'wrote more to stdout and stderr than --limit stdio=1500B lets it'],
    [{ exitCode: 0, limit: 'stdio' }, 124, 'wrote more to stdout and stderr than --limit stdio=1500B lets it'],
    [{ signal: 'SIGKILL', limit: 'memory' }, 137, 'took more memory than --limit memory=2G lets it'],
    [{ exitCode: 2, limit: 'processes' }, 2, 'tried to have more processes than limits.processes lets it'],
  ])('which limit ended it (%j), and exits with %d', async (how, status, says) => {
    addon.reset({ behaviour: ({ job }) => addon.exit(job, how) })
    expect(await run('--limit', 'memory=2G', '--limit', 'stdio=1500B', '--', 'cc')).toEqual({ status, out: '', err: `buildjail: cc: ${says}\n` })
  })

  it('whatever it is, a variable that is not set here gets a warning, and nothing is passed on', async () => {
    addon.reset({ behaviour: ({ job }) => addon.exit(job, { exitCode: 0 }) })
    expect(await run('--env', 'NO_SUCH_VARIABLE', '--env', 'PATH', '--env', 'SET=x', '--', 'cc')).toEqual({ status: 0, out: '', err: 'buildjail: --env NO_SUCH_VARIABLE: it is not set here, so nothing is passed on\n' })
  })

  it('124 when it timed out, and says so', async () => {
    addon.reset({ behaviour: ({ job }) => void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(job, { signal: 'SIGTERM' })) })
    expect(await run('--timeout', '5ms', '--', 'sleep', '9')).toEqual({ status: 124, out: '', err: 'buildjail: sleep 9: timed out after 5 ms\n' })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM tree', 'close'])
  })

  it.each([
    ['ENOENT', 127],
    ['EACCES', 126],
    ['ENOEXEC', 126],
    ['ENOTDIR', 126],
  ])('when execve(2) says %s it is %d', async (code, status) => {
    addon.reset({ launchFailure: failure({ code }) })
    expect((await run('cc')).status).toBe(status)
  })

  it('125 when something before that failed', async () => {
    addon.reset({ launchFailure: failure({ code: 'ENOENT', step: 'chdir', syscall: 'chdir' }) })
    expect((await run('cc')).status).toBe(125)
  })

  it('127 when there is no such command, and the session is closed', async () => {
    addon.reset({ launchFailure: failure() })
    expect(await run('--', 'no-such-program')).toEqual({
      status: 127,
      out: '',
      err: expect.stringMatching(/^buildjail: ENOENT: no such file or directory, execve '\/bin\/cc' \(step execve\); there is no no-such-program in the session's PATH \([\w/:]+\)\n$/) as string,
    })
    expect(addon.acts).toEqual(['open', 'close'])
  })

  it('125 when the envelope failed', async () => {
    addon.reset({ openFailure: failure({ code: 'EPERM', errno: -1, syscall: 'jail_set', step: 'jail_set', detail: 'no more jails' }) })
    const { status, out } = await run('--json', '--', 'cc')
    expect(status).toBe(125)
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'EPERM',
        message: "EPERM: no such file or directory, jail_set '/bin/cc' (step jail_set: no more jails)",
        step: 'jail_set',
        syscall: 'jail_set',
        errno: -1,
        path: '/bin/cc',
        detail: 'no more jails',
      },
    })
  })
})

supported('buildjail run gives the command what a shell would', () => {
  const [inherit, capture] = [1, 4]

  it("our own stdin, stdout and stderr, and the command's own words", async () => {
    await run('--env', 'A=b', '--cwd', '/x', '--', 'cc', '--json', '')
    expect(addon.launched[0]).toMatchObject({ argv: ['cc', '--json', ''], cwd: '/x' })
    expect(addon.launched[0]?.env).toContain('A=b')
    expect(addon.launched[0]?.stdio.map(({ kind }) => kind)).toEqual([inherit, inherit, inherit])
  })

  it('with --json its output is in the result instead, and the timings of opening and closing with it', async () => {
    addon.reset({ behaviour: ({ job: number }) => addon.exit(number, { exitCode: 3, stdout: Buffer.from('out'), stderr: Buffer.from('err') }) })
    const { status, out, err } = await run('--json', '--', 'cc')
    expect({ status, err }).toEqual({ status: 3, err: '' })
    expect(addon.launched[0]?.stdio.map(({ kind }) => kind)).toEqual([inherit, capture, capture])
    expect(JSON.parse(out)).toEqual({
      result: expect.objectContaining({ command: 'cc', exitCode: 3, stdout: 'out', stderr: 'err', timedOut: false }) as Result,
      steps: [{ step: 'tmpfs', path: '/root', ns: 1500 }, { step: 'jail_remove', ns: 5 }],
    })
  })

  it('too much output is told, with what there was of it', async () => {
    addon.reset({ behaviour: ({ job: number }) => addon.exit(number, { signal: 'SIGKILL', isMaxBuffer: true, stdout: Buffer.from('yy') }) })
    const { status, out, err } = await run('--json', '--', 'yes')
    expect(status).toBe(137)
    expect(err).toContain('wrote more than')
    expect(JSON.parse(out)).toMatchObject({ result: { stdout: 'yy', isMaxBuffer: true } })
  })
})

supported('a result is not lost by what fails after it', () => {
  it('what could not be taken down is told', async () => {
    const holders = [{ kind: 'cwd', pid: 812, command: 'vi', path: '/state/output' }] as const
    const busy = failure({ code: 'EBUSY', step: 'unmount', detail: 'held by pid 812 (vi): cwd /state/output', holders })
    addon.reset({ closeReport: { steps: [], failures: [busy], leftInOutputs: [] } })
    const { status, out, err } = await run('--json', '--', 'cc')
    expect(status).toBe(125)
    expect(err).toContain('could not be taken down completely')
    expect(err).toContain('held by pid 812 (vi): cwd /state/output')
    expect(JSON.parse(out)).toMatchObject({
      result: { exitCode: 0 },
      error: { code: 'ERR_BUILDJAIL_TEARDOWN', errors: [{ code: 'EBUSY', step: 'unmount', holders }] },
    })
  })

  it('a record that could not be made is told, and the session is closed', async () => {
    addon.reset({ recordFailure: failure({ syscall: 'jail_get', step: 'record' }), behaviour: ({ job: number }) => addon.exit(number, { exitCode: 4 }) })
    const { status, err } = await run('--record', tree.at('never'), '--', 'cc')
    expect(status).toBe(4)
    expect(err).toContain('jail_get')
    expect(addon.acts).toEqual(['open', 'launch', 'record', 'close'])
  })

  it('and a command that succeeded does not hide it', async () => {
    addon.reset({ recordFailure: failure({ syscall: 'jail_get', step: 'record' }) })
    const file = tree.at('partly')
    expect((await run('--record', file, 'cc')).status).toBe(125)
    const record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord
    expect(record.errors).toMatchObject([{ code: 'ENOENT' }])
    expect(record.commands).toMatchObject([{ argv: ['cc'], end: { exitCode: 0 } }])
    expect(record).not.toHaveProperty('kernel')
  })

  it('a record that cannot be written is told of before anything runs', async () => {
    for (const file of [tree.at('absent/record.json'), source]) {
      const { status, out, err } = await run('--json', '--record', file, 'cc')
      expect([status, addon.acts]).toEqual([125, []])
      expect(err).toContain(`buildjail: --record: ${file} cannot be written: E`)
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: '--record' } })
    }
  })

  it('what was in the file of a record stays when no session was opened, or is replaced', async () => {
    const file = tree.file('old.json')
    writeFileSync(file, 'x'.repeat(50_000))
    addon.reset({ openFailure: failure() })
    expect((await run('--record', file, 'cc')).status).not.toBe(0)
    expect(readFileSync(file, 'utf8')).toBe('x'.repeat(50_000))
    addon.reset()
    expect((await run('--record', file, 'cc')).status).toBe(0)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ kernel: { id: 'fake' } })
  })

  it('a command that could not be started is in the record', async () => {
    const file = tree.at('not-started.json')
    addon.reset({ launchFailure: failure() })
    expect((await run('--record', file, 'cc')).status).toBe(127)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ commands: [{ argv: ['cc'], end: { error: { code: 'ENOENT' } } }] })
  })
})

supported('--record keeps what the kernel said', () => {
  const file = tree.at('record.json')
  afterEach(() => rmSync(file))

  it('before the session is closed, for the caller alone, 64-bit numbers unharmed', async () => {
    const umask = process.umask(0)
    try {
      expect((await run('--record', file, '--', 'cc')).status).toBe(0)
    } finally {
      process.umask(umask)
    }
    expect(addon.acts).toEqual(['open', 'launch', 'record', 'close'])
    expect((JSON.parse(readFileSync(file, 'utf8')) as RunRecord).kernel).toEqual({ id: 'fake', root: '/root', mounts: [], outputs: [], jail: { big: '9223372036854775808' }, limits: [] })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})

supported('a page', () => {
  let looks = 0
  const usage = async (): Promise<object> => {
    looks += 1
    return { cpuTime: looks, memory: 10, by: 'test' }
  }
  const slowly = ({ job: number }: { readonly job: number }): void => void setTimeout(() => addon.exit(number), 200)
  const seen = (): number[] => addon.launched.flatMap(({ stdio }) => stdio.map(({ kind }) => Number(kind)))
  beforeEach(() => (looks = 0))

  it('is paid for by who asks for it alone: nobody else is looked at, and nothing else goes by this program', async () => {
    addon.reset({ usage, behaviour: slowly })
    await run('--limit', 'memory=1G', 'cc')
    expect([looks, addon.acts]).toEqual([0, ['open', 'launch', 'close']])
    const without = seen()
    addon.reset({ usage, behaviour: slowly })
    await run('--limit', 'memory=1G', '--page', tree.at('paid.html'), 'cc')
    expect(looks).toBeGreaterThan(2)
    expect(addon.acts).toEqual(['open', 'launch', 'record', 'close'])
    expect(seen()).not.toEqual(without)
  })

  it('is refused where the build writes, by whatever way that is named', async () => {
    const output = tree.directory('written')
    symlinkSync(output, tree.at('way'))
    for (const file of [path.join(output, 'page.html'), path.join(tree.at('way'), 'page.html'), path.join(output, '..', path.basename(output), 'page.html')]) {
      const { status, err } = await run('--output', output, '--page', file, 'cc')
      expect([status, err]).toEqual([125, `buildjail: --page: ${file} lies in output, which the build writes to; name a file elsewhere\n`])
    }
    expect(addon.acts).toEqual([])
    expect((await run('--output', output, '--page', `${output}.html`, 'cc')).status).toBe(0)
  })

  // promise: 49
  it('is refused in the project that --apply brings the changes to, as is a record', async () => {
    const project = tree.directory('applied')
    tree.file('applied/package.json', '{}')
    for (const option of ['page', 'record']) {
      const file = path.join(project, 'made', '..', option)
      tree.directory('applied/made')
      const { status, err } = await run('--project', project, '--apply', '--yes', `--${option}`, file, 'cc')
      expect([status, err]).toEqual([125, `buildjail: --${option}: ${file} lies in ${project}, which --apply brings the changes to; name a file elsewhere\n`])
      expect(addon.acts).toEqual([])
      expect((await run('--project', project, `--${option}`, file, 'cc')).status).toBe(0)
      addon.reset()
    }
  })

  it('is another file than the record', async () => {
    const file = tree.at('both')
    expect((await run('--record', file, '--page', path.join(path.dirname(file), '.', 'both'), 'cc')).err).toBe('buildjail: --page: is the file of --record\n')
  })
})

supported('a signal to buildjail leaves nothing behind', () => {
  const listeners = (): number[] => ['SIGHUP', 'SIGINT', 'SIGTERM'].map((name) => process.listenerCount(name))

  it.each([
    ['SIGHUP', 129],
    ['SIGTERM', 143],
  ] as const)('%s stops the command and closes the session', async (name, status) => {
    const before = listeners()
    addon.reset({
      behaviour: ({ job: number }) => {
        // A real signal to this process, as a terminal or a supervisor sends it.
        process.kill(process.pid, name)
        void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(number, { signal: 'SIGTERM' }))
      },
    })
    expect(await run('--json', '--', 'sleep', '9')).toMatchObject({ status, err: `buildjail: stopped by ${name}\n` })
    expect(addon.acts.at(-1)).toBe('close')
    expect(listeners()).toEqual(before)
  })

  const interrupted = (how: () => object, again: readonly NodeJS.Signals[] = []): void => {
    const meeting = async (job: number): Promise<void> => {
      process.kill(process.pid, 'SIGINT')
      await vi.waitFor(() => expect(addon.acts).toContain('SIGINT group'))
      for (const name of again) process.kill(process.pid, name)
      if (again.length > 0) await vi.waitFor(() => expect(addon.acts.length).toBeGreaterThan(3))
      addon.exit(job, how())
    }
    addon.reset({ behaviour: ({ job }) => void meeting(job) })
  }

  it('the first SIGINT is for the command, which may end as it likes', async () => {
    const before = listeners()
    interrupted(() => ({ exitCode: 3 }))
    expect(await run('sleep', '9')).toEqual({ status: 3, out: '', err: '' })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGINT group', 'close'])
    interrupted(() => ({ signal: 'SIGINT' }))
    expect(await run('sleep', '9')).toEqual({ status: 130, out: '', err: 'buildjail: stopped by SIGINT\n' })
    expect(listeners()).toEqual(before)
  })

  it('the second SIGINT ends it at once', async () => {
    interrupted(() => ({ signal: 'SIGKILL' }), ['SIGINT'])
    expect(await run('sleep', '9')).toEqual({ status: 130, out: '', err: 'buildjail: stopped by SIGINT\n' })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGINT group', 'kill all', 'close'])
  })

  it('SIGTERM after a SIGINT stops it, and a second one ends it at once', async () => {
    interrupted(() => ({ signal: 'SIGTERM' }), ['SIGTERM'])
    expect(await run('sleep', '9')).toMatchObject({ status: 143, err: 'buildjail: stopped by SIGTERM\n' })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGINT group', 'SIGTERM tree', 'close'])
  })

  it('one that comes while the session is being opened keeps the command from running', async () => {
    addon.reset({
      opening: async () => {
        process.kill(process.pid, 'SIGTERM')
        await new Promise((resolve) => setTimeout(resolve, 20))
      },
    })
    const { status, err } = await run('--', 'cc')
    expect({ status, err }).toEqual({ status: 143, err: 'buildjail: stopped by SIGTERM\n' })
    expect(addon.launched).toEqual([])
    expect(addon.acts).toEqual(['open', 'close'])
  })
})

describe('exit statuses that are not the command’s', () => {
  it('a signal without a number on this system is still no success', () => {
    expect(statusOfSignal('SIGNOTHERE')).toBe(128)
    expect(statusOfRefusal(new Error('a bug'))).toBe(125)
  })
})

it('an error that is none of ours is told as far as it goes', () => {
  expect(describeError('text')).toEqual({ message: 'text' })
  expect(JSON.parse(jsonText(describeError(new TypeError('a bug'))))).toEqual({ message: 'a bug' })
})
