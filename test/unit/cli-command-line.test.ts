import path from 'node:path'
import { describe, expect, it } from 'vitest'

import { isJsonAsked, parseCommandLine, type Request } from '../../src/cli/command-line.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { refusalOf } from './refusal.ts'

const run = (...options: string[]): Request => parseCommandLine(['run', ...options, '--', 'cc'])

describe('what a command line says is what is asked for', () => {
  it('every option', () => {
    const words = `--name nightly --toolchain /usr,/opt/tools --input src=. --input /opt/x=/data=1 --output out --output logs=log
      --output /cache=c=d --tmp-size 512M --source-date-epoch 1700000000 --env A=b=c --env EMPTY= --cwd /inputs/src --network host
      --user 7:8:9,10 --hostname box --state-directory /state --timeout 10s --record record.json --json`
    expect(run(...words.split(/\s+/))).toEqual({
      kind: 'run',
      spec: {
        name: 'nightly',
        toolchain: ['/usr', '/opt/tools'],
        inputs: { src: '.', '/opt/x': '/data=1' },
        output: 'out',
        outputs: { logs: 'log', '/cache': 'c=d' },
        tmpSize: 512 * 1024 ** 2,
        sourceDateEpoch: 1_700_000_000,
        network: 'host',
        user: { uid: 7, gid: 8, groups: [9, 10] },
        env: { A: 'b=c', EMPTY: '' },
        cwd: '/inputs/src',
        hostname: 'box',
        stateDirectory: '/state',
      } satisfies Required<Spec>,
      command: ['cc'],
      isJson: true,
      timeout: 10_000,
      record: 'record.json',
    })
  })

  it('nothing that was not said', () => {
    expect(run()).toEqual({ kind: 'run', spec: {}, command: ['cc'], isJson: false })
  })

  it.each([
    ['host', 'host'],
    ['none', 'none'],
    ['/usr', ['/usr']],
    ['guest', ['guest']],
  ])('--toolchain %s', (text, toolchain) => {
    expect(run('--toolchain', text)).toMatchObject({ spec: { toolchain } })
  })

  it.each([
    ['root', 'root'],
    ['1000:1001', { uid: 1000, gid: 1001 }],
    ['1000:1001:5', { uid: 1000, gid: 1001, groups: [5] }],
  ])('--user %s', (text, user) => {
    expect(run('--user', text)).toMatchObject({ spec: { user } })
  })

  it.each([
    ['1500ms', 1500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
  ])('--timeout %s', (text, timeout) => {
    expect(run('--timeout', text)).toMatchObject({ timeout })
  })

  it.each([
    ['65536B', 65_536],
    ['64K', 65_536],
    ['512M', 512 * 1024 ** 2],
    ['2GiB', 2 * 1024 ** 3],
    ['1T', 1024 ** 4],
  ])('--tmp-size %s', (text, tmpSize) => {
    expect(run('--tmp-size', text)).toMatchObject({ spec: { tmpSize } })
  })

  it('a path that holds an equals sign can still be the output', () => {
    expect(run('--output', '/output=./a=b')).toMatchObject({ spec: { outputs: { '/output': './a=b' } } })
  })

  it('a value that looks like an option, when it is written as one word with it', () => {
    expect(run('--output=-o', '--name', '-')).toMatchObject({ spec: { output: '-o', name: '-' } })
  })

  it('the command keeps its own options, and its own --', () => {
    expect(parseCommandLine(['run', '--', 'git', '--json', '--name', '--', '-x', ''])).toMatchObject({
      command: ['git', '--json', '--name', '--', '-x', ''],
      isJson: false,
      spec: {},
    })
    expect(isJsonAsked(['run', '--', 'git', '--json'])).toBe(false)
    expect(isJsonAsked(['run', '--json', '--frob'])).toBe(true)
  })

  it('plan takes the same options, with and without a command', () => {
    const options = ['--name', 'x', '--timeout', '1s', '--record', 'f', '--json']
    expect(parseCommandLine(['plan', ...options])).toMatchObject({ kind: 'plan', spec: { name: 'x' }, command: [], isJson: true })
    expect(parseCommandLine(['plan', '--', 'cc'])).toMatchObject({ kind: 'plan', command: ['cc'] })
  })

  it.each(['ps', 'gc'])('%s takes a state directory, from where it is called', (kind) => {
    expect(parseCommandLine([kind, '--state-directory', '/state'])).toEqual({ kind, isJson: false, stateDirectory: '/state' })
    expect(parseCommandLine([kind, '--state-directory', 'state'])).toMatchObject({ stateDirectory: path.resolve('state') })
  })

  it.each(['plan', 'run'])('%s takes one for its session', (kind) => {
    expect(parseCommandLine([kind, '--state-directory', 'state', '--', 'cc'])).toMatchObject({ spec: { stateDirectory: path.resolve('state') } })
  })

  it.each(['doctor', 'ps', 'gc'])('%s takes --json', (kind) => {
    expect(parseCommandLine([kind])).toEqual({ kind, isJson: false })
    expect(parseCommandLine([kind, '--json'])).toEqual({ kind, isJson: true })
  })

  it('help and version, also where a command is missing', () => {
    for (const argv of [['--help'], ['-h'], ['help']]) expect(parseCommandLine(argv)).toEqual({ kind: 'help', topic: 'buildjail' })
    expect(parseCommandLine(['run', '--help'])).toEqual({ kind: 'help', topic: 'run' })
    expect(parseCommandLine(['plan', '-h'])).toEqual({ kind: 'help', topic: 'plan' })
    expect(parseCommandLine(['doctor', '--help'])).toEqual({ kind: 'help', topic: 'doctor' })
    expect(parseCommandLine(['--version'])).toEqual({ kind: 'version' })
  })
})

describe('what cannot be understood is refused, and the word is named', () => {
  it.each<[string[], entry: string, says: string]>([
    [[], 'arguments', 'run, plan, ps, gc and doctor'],
    [['frob'], 'frob', 'is not a command of buildjail'],
    [['__proto__'], '__proto__', 'is not a command'],
    [['a b'], '"a b"', 'is not a command'],
    [['--json'], '--json', 'is not a command'],
    [['plan', '--frob'], '--frob', 'is not an option of buildjail plan'],
    [['plan', '--__proto__=x'], '--__proto__', 'is not an option of buildjail plan'],
    [['plan', '--inputs', 'a=b'], '--inputs', 'is not an option of buildjail plan'],
    [['plan', '--frob=1', 'x'], '--frob', 'is not an option'],
    [['doctor', '--output', 'x'], '--output', 'is not an option of buildjail doctor'],
    [['doctor', 'x'], 'x', 'is not an option of buildjail doctor'],
    [['gc', 'x'], 'x', 'is not an option of buildjail gc'],
    [['gc', '--state-directory', ''], '--state-directory', 'must not be empty'],
    [['ps', '--state-directory', '/a', '--state-directory', '/b'], '--state-directory', 'is given twice'],
    [['doctor', '--state-directory', '/a'], '--state-directory', 'is not an option'],
    [['ps', '--all'], '--all', 'is not an option'],
    [['plan', '--name'], '--name', 'needs a value'],
    [['plan', '--name', '--json'], '--name', '--name=--json'],
    [['plan', '--json=1'], '--json', 'takes no value'],
    [['run', '-o', 'x'], '-o', 'is not an option'],
    [['run', '-hx'], '-x', 'is not an option'],
    [['run', ''], '""', 'is not an option'],
    [['run', 'cc', 'x'], 'cc', 'is not an option of buildjail run; a command comes after --'],
    [['run'], 'command', 'after --'],
    [['run', '--'], 'command', 'after --'],
    [['run', '--', ''], 'command[0]', 'must not be empty'],
    [['plan', '--output', 'a', '--output', 'b'], '--output', 'twice'],
    [['plan', '--name=a', '--name=b'], '--name', 'twice'],
    [['plan', '--input', 'src'], '--input', "'src'"],
    [['plan', '--input', '=src'], '--input', "'=src'"],
    [['plan', '--input', 'a=1', '--input', 'a=2'], '--input', "'a' is given twice"],
    [['plan', '--env', 'A'], '--env', "'A'"],
    [['plan', '--env', 'A=1', '--env', 'A=2'], '--env', "'A' is given twice"],
    [['plan', '--network', 'bridge'], '--network', "'bridge'"],
    [['plan', '--user', 'nobody'], '--user', "'nobody'"],
    [['plan', '--user', '5'], '--user', "'5'"],
    [['plan', '--user', '5:6:'], '--user', "'5:6:'"],
    [['plan', '--user', '5:6:7,'], '--user', "'5:6:7,'"],
    [['plan', '--user=-1:5'], '--user', "'-1:5'"],
    [['plan', '--timeout', 'soon'], '--timeout', "'soon'"],
    [['plan', '--timeout', '1'], '--timeout', "'1' has no unit"],
    [['plan', '--timeout', '0'], '--timeout', "'0' has no unit"],
    [['plan', '--timeout', '1.5s'], '--timeout', "'1.5s'"],
    [['plan', '--timeout', '10 s'], '--timeout', "'10 s'"],
    [['plan', '--timeout', ''], '--timeout', "''"],
    [['plan', '--timeout', '25000h'], '--timeout', '24 days'],
    [['run', '--record', '', '--', 'x'], '--record', 'empty'],
    [['plan', '--output', 'x=a', '--output', 'x=b'], '--output', "'x' is given twice"],
    [['plan', '--tmp-size', '512'], '--tmp-size', "'512' has no unit"],
    [['plan', '--tmp-size', '0.5G'], '--tmp-size', "'0.5G'"],
    [['plan', '--tmp-size', '2g'], '--tmp-size', "'2g'"],
    [['plan', '--source-date-epoch', 'now'], '--source-date-epoch', "'now'"],
    [['plan', '--hostname', 'a', '--hostname', 'b'], '--hostname', 'twice'],
  ])('%j', (argv, entry, says) => {
    const refusal = refusalOf(() => parseCommandLine(argv))
    expect(refusal).toMatchObject({ entry, step: entry.startsWith('command[') ? 'launch' : 'plan' })
    expect(refusal.message).toContain(says)
    expect(refusal.message).not.toContain('\n')
  })
})
