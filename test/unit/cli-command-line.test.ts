import path from 'node:path'
import { describe, expect, it } from 'vitest'

import { answerAsked, parseCommandLine, type Request } from '../../src/cli/command-line.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { refusalOf } from './refusal.ts'

const run = (...options: string[]): Request => parseCommandLine(['run', ...options, '--', 'cc'])

describe('what a command line says is what is asked for', () => {
  it('every option', () => {
    const words = `--name nightly --toolchain /usr,/opt/tools --input src=. --input /opt/x=/data=1 --output out --outputs logs=log
      --outputs /cache=c=d --store /gnu/store=s --device /dev/kvm --device /dev/fuse? --tmpfs /var/tmp=64M --tmpfs /scratch=1G --tmp-size 512M --limit memory=2G --limit processes=64 --limit cpus=1.5 --limit wallTime=5m --limit policy=best-effort --source-date-epoch 1700000000 --env A=b=c --env EMPTY= --path /opt/bin --path /opt/more --cwd /inputs/src --keep /tmp --network host
      --user 7:8:9,10@600000000:65536 --allow perf --allow io_uring --ownership build --hostname box --etc none --state-directory /state
      --wait 250ms --trace --timeout 10s --record record.json --pty --progress --json`
    expect(run(...words.split(/\s+/))).toEqual({
      kind: 'run',
      spec: {
        name: 'nightly',
        toolchain: ['/usr', '/opt/tools'],
        inputs: { src: '.', '/opt/x': '/data=1' },
        output: 'out',
        outputs: { logs: 'log', '/cache': 'c=d' },
        stores: { '/gnu/store': 's' },
        devices: ['/dev/kvm', { path: '/dev/fuse', optional: true }],
        tmpfs: { '/var/tmp': '64M', '/scratch': '1G' },
        limits: { tmpSize: 512 * 1024 ** 2, memory: 2 * 1024 ** 3, processes: 64, cpus: 1.5, wallTime: 300_000, policy: 'best-effort' },
        sourceDateEpoch: 1_700_000_000,
        network: 'host',
        user: { uid: 7, gid: 8, groups: [9, 10], leased: { first: 600_000_000, count: 65536 } },
        allow: ['perf', 'io_uring'],
        env: { A: 'b=c', EMPTY: '' },
        path: ['/opt/bin', '/opt/more'],
        cwd: '/inputs/src',
        keep: '/tmp',
        ownership: 'build',
        hostname: 'box',
        etc: 'none',
        stateDirectory: '/state',
        wait: 250,
        trace: true,
      } satisfies Required<Spec>,
      command: ['cc'],
      isJson: true,
      timeout: 10_000,
      record: 'record.json',
      isPty: true,
      hasProgress: true,
    })
  })

  it('nothing that was not said', () => {
    expect(run()).toEqual({ kind: 'run', spec: {}, command: ['cc'], isJson: false, isPty: false, hasProgress: false })
  })

  it.each([
    ['host', 'host'],
    ['none', 'none'],
    ['/usr', ['/usr']],
    ['guest', ['guest']],
    ['host,node,/opt/sdk?', ['host', 'node', { path: '/opt/sdk', optional: true }]],
  ])('--toolchain %s', (text, toolchain) => {
    expect(run('--toolchain', text)).toMatchObject({ spec: { toolchain } })
  })

  it('--input with a question mark at its name is optional', () => {
    expect(run('--input', 'sdk?=/opt/sdk', '--input', 'src=.')).toMatchObject({ spec: { inputs: { sdk: { path: '/opt/sdk', optional: true }, src: '.' } } })
  })

  it('--input with a tilde at its name is an overlay', () => {
    const inputs = { src: { path: '.', overlay: true }, sdk: { path: '/opt/sdk', optional: true, overlay: true }, '/w': { path: 'a~b', overlay: true }, 'a~b': 'c' }
    expect(run('--input', 'src~=.', '--input', 'sdk~?=/opt/sdk', '--input', '/w~=a~b', '--input', 'a~b=c')).toMatchObject({ spec: { inputs } })
  })

  it('--env without a value passes the variable on', () => {
    expect(run('--env', 'TERM', '--env', 'A=b')).toMatchObject({ spec: { env: { pass: ['TERM'], set: { A: 'b' } } } })
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
    ['10 s', 10_000],
    ['10sec', 10_000],
    ['1m30s', 90_000],
    ['1h 30 min', 5_400_000],
    ['1d', 86_400_000],
    ['1s500ms', 1500],
  ])('--timeout %s', (text, timeout) => {
    expect(run('--timeout', text)).toMatchObject({ timeout })
  })

  it.each([
    ['65536B', 65_536],
    ['64K', 65_536],
    ['512M', 512 * 1024 ** 2],
    ...['2GiB', '2GB', '2G', '2g', '2 gb'].map((text): [string, number] => [text, 2 * 1024 ** 3]),
    ...['512m', '512MB', '512 MiB'].map((text): [string, number] => [text, 512 * 1024 ** 2]),
    ['1T', 1024 ** 4],
  ])('--limit tmpSize=%s', (text, tmpSize) => {
    expect(run('--limit', `tmpSize=${text}`)).toMatchObject({ spec: { limits: { tmpSize } } })
  })

  it('a path that holds an equals sign can still be an input and the output', () => {
    expect(run('--outputs', '/output=./a=b', '--input', './a=b/c')).toMatchObject({ spec: { outputs: { '/output': './a=b' }, inputs: { c: './a=b/c' } } })
    expect(run('--output', './a=b')).toMatchObject({ spec: { output: './a=b' } })
  })

  it.each([
    ['src', 'src', 'src'],
    ['./src/', 'src', './src/'],
    ['../lib/a', 'a', '../lib/a'],
    ['.', path.basename(process.cwd()), '.'],
    ['..', path.basename(path.dirname(process.cwd())), '..'],
    ['/opt/sdk', 'sdk', '/opt/sdk'],
  ])('--input %s and --outputs of it have the name of its last part', (text, name, source) => {
    expect(run('--input', text, '--outputs', text)).toMatchObject({ spec: { inputs: { [name]: source }, outputs: { [name]: source } } })
  })

  it('an input without a name can be optional', () => {
    expect(run('--input', './sdk?')).toMatchObject({ spec: { inputs: { sdk: { path: './sdk', optional: true } } } })
  })

  it.each([
    [['npm', 'test'], {}],
    [['--name', 'x', 'npm', 'test', '--', '--name', 'y'], { name: 'x' }],
    [['--', 'npm', 'test'], {}],
    [['--name=x', '--', 'npm', '--help'], { name: 'x' }],
  ])('a command begins at the first word that is no option: %j', (words, spec) => {
    const command = words.slice(words.indexOf('npm'))
    expect(parseCommandLine(['run', ...words])).toMatchObject({ kind: 'run', spec, command })
    expect(parseCommandLine(['plan', ...words])).toMatchObject({ kind: 'plan', spec, command })
  })

  it.each([
    [['--full', '--only', 'a', '--only', 'b', '--page', 'p.html'], { options: ['--full', '--only=a', '--only=b', '--page=p.html'] }],
    [['compare', '--bar', '1.5', 'a.json', 'b.json'], { compared: ['a.json', 'b.json'], options: ['--bar=1.5'] }],
  ])('of a bench, what it measures or compares: %j', (words, request) => {
    expect(parseCommandLine(['bench', ...words])).toEqual({ kind: 'bench', ...request })
  })

  it.each([
    [['compare', 'a.json'], 'BEFORE and AFTER: are missing'],
    [['compare', 'a.json', 'b.json', 'c.json'], 'c.json: is one word too many'],
    [['compare', '--full', 'a.json', 'b.json'], '--full: is not for buildjail bench compare'],
    [['--bar', '2'], '--bar: is for buildjail bench compare'],
    [['it'], 'it: is not a command of buildjail bench'],
  ])('of a bench, nothing that does not belong to it: %j', (words, sentence) => {
    expect(() => parseCommandLine(['bench', ...words])).toThrow(sentence)
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
    expect(answerAsked(['run', '--', 'git', '--json'])).toBeUndefined()
    expect(answerAsked(['run', 'git', '--json'])).toBeUndefined()
    expect(answerAsked(['run', '--name', '--json', 'git'])).toBeUndefined()
    expect(answerAsked(['run', '--json', '--frob'])).toBe('json')
    expect(answerAsked(['run', '--frob', '--json', 'git'])).toBe('json')
    expect(answerAsked(['frob', '--json'])).toBeUndefined()
    expect(answerAsked(['run', '--frob', '--events', 'git'])).toBe('events')
    expect(run('--events')).toMatchObject({ isJson: true, hasEvents: true })
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
    for (const argv of [[], ['--help'], ['-h'], ['help']]) expect(parseCommandLine(argv)).toEqual({ kind: 'help', topic: 'buildjail' })
    expect(parseCommandLine(['run', '--help'])).toEqual({ kind: 'help', topic: 'run' })
    expect(parseCommandLine(['plan', '-h'])).toEqual({ kind: 'help', topic: 'plan' })
    expect(parseCommandLine(['doctor', '--help'])).toEqual({ kind: 'help', topic: 'doctor' })
    expect(parseCommandLine(['help', '--limit'])).toEqual({ kind: 'help', topic: '--limit' })
    expect(parseCommandLine(['completion', '--help'])).toEqual({ kind: 'help', topic: 'completion' })
    expect(parseCommandLine(['completion', 'fish'])).toEqual({ kind: 'completion', shell: 'fish' })
    for (const word of ['--version', '-V']) expect(parseCommandLine([word])).toEqual({ kind: 'version' })
  })
})

describe('what cannot be understood is refused, and the word is named', () => {
  it.each<[string[], entry: string, says: string]>([
    [['completion'], 'shell', 'bash, zsh or fish'],
    [['completion', 'bash', 'x'], 'x', 'one word too many'],
    [['help', 'run', 'x'], 'x', 'one word too many'],
    [['frob'], 'frob', 'is not a command of buildjail'],
    [['__proto__'], '__proto__', 'is not a command'],
    [['a b'], '"a b"', 'is not a command'],
    [['--json'], '--json', 'is not a command'],
    [['plan', '--frob'], '--frob', 'is not an option of buildjail plan'],
    [['plan', '--__proto__=x'], '--__proto__', 'is not an option of buildjail plan'],
    [['plan', '--inputs', 'a=b'], '--inputs', 'is not an option of buildjail plan'],
    [['plan', '--output', 'a=b'], '--output', '--outputs'],
    [['plan', '--output', '/cache=b'], '--output', '--outputs'],
    [['plan', '--tmp-size', '512'], '--tmp-size 512', "'512' has no unit"],
    [['plan', '--tmp-size', '1M', '--limit', 'tmpSize=2M'], '--limit', "'tmpSize' is given twice"],
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
    [['run', '-hx'], '-hx', 'is not an option'],
    [['run', ''], 'command[0]', 'must not be empty'],
    [['run', '--frob', 'cc'], '--frob', 'is not an option of buildjail run'],
    [['run'], 'command', 'is missing; it comes last'],
    [['run', '--'], 'command', 'is missing'],
    [['run', '--json', '--name', '--', 'cc'], '--name', 'needs a value'],
    [['run', '--', ''], 'command[0]', 'must not be empty'],
    [['plan', '--output', 'a', '--output', 'b'], '--output', 'twice'],
    [['plan', '--name=a', '--name=b'], '--name', 'twice'],
    [['plan', '--input', '/'], '--input', 'NAME=PATH'],
    [['plan', '--input', './a/b=c'], '--input', 'NAME=PATH'],
    [['plan', '--input', ''], '--input', 'NAME=PATH'],
    [['plan', '--input', 'a/src', '--input', 'b/src'], '--input', "'src' is given twice"],
    [['plan', '--input', '=src'], '--input', "'=src'"],
    [['plan', '--input', 'a=1', '--input', 'a=2'], '--input', "'a' is given twice"],
    [['plan', '--env', ''], '--env', 'a variable name must not be empty'],
    [['plan', '--env', 'A', '--env', 'A=1'], '--env', "'A' is given twice"],
    [['plan', '--path', '/a:/b'], '--path', 'colon'],
    [['plan', '--env', 'A=1', '--env', 'A=2'], '--env', "'A' is given twice"],
    [['plan', '--network', 'bridge'], '--network', "'bridge'"],
    [['plan', '--network', 'namespace:here'], '--network', "'here'"],
    [['plan', '--network', 'vnet:a/b'], '--network', "'a/b'"],
    [['plan', '--network', 'none', '--network', 'host'], '--network', 'is given twice'],
    [['plan', '--network', 'loopback', '--allow-host', 'a.example:443'], '--network', "'loopback' is another network than one of names"],
    [['plan', '--network', 'none', '--network', 'allow=a.example:443'], '--network', "'none' is another network"],
    [['plan', '--network', 'allow=a.example'], '--network allow=a.example', "'a.example' has no port"],
    [['plan', '--allow-host', 'a.example:443', '--allow-host', 'a.example'], '--allow-host a.example', "'a.example' has no port"],
    [['plan', '--allow-host', ''], '--allow-host ""', 'must not be empty'],
    [['plan', '--allow-host', 'a.example:443', '--tls-names', 'no'], '--tls-names', "'no' is neither true nor false"],
    [['plan', '--allow-host', 'a.example:443', '--tls-names', 'true', '--tls-names', 'true'], '--tls-names', 'is given twice'],
    [['plan', '--tls-names=false'], '--tls-names', 'needs an --allow-host'],
    [['plan', '--user', 'nobody'], '--user', "'nobody'"],
    [['plan', '--user', '5'], '--user', "'5'"],
    [['plan', '--user', '5:6:'], '--user', "'5:6:'"],
    [['plan', '--user', '5:6:7,'], '--user', "'5:6:7,'"],
    [['plan', '--user=-1:5'], '--user', "'-1:5'"],
    [['plan', '--user', 'root@600000000'], '--user', "'root@600000000'"],
    [['plan', '--timeout', 'soon'], '--timeout', "'soon'"],
    [['plan', '--timeout', '1'], '--timeout', "'1' has no unit"],
    [['plan', '--timeout', '0'], '--timeout', "'0' has no unit"],
    [['plan', '--timeout', '1.5s'], '--timeout', "'1.5s'"],
    [['run', '--events', '--json', 'x'], '--events', 'cannot be combined with --json'],
    [['plan', '--timeout', '10s '], '--timeout', "'10s '"],
    [['plan', '--timeout', ' 10s'], '--timeout', "' 10s'"],
    [['plan', '--timeout', '30s1m'], '--timeout', "'30s1m'"],
    [['plan', '--timeout', '1m1m'], '--timeout', "'1m1m'"],
    [['plan', '--timeout', '1m30'], '--timeout', "'1m30'"],
    [['plan', '--input', 'inputs/x=src'], '--input', "has a name with a / in it: write /inputs/x=src for the place /inputs/x, or ./inputs/x=src for a path"],
    [['plan', '--input', 'a/b=c'], '--input', "has a name with a / in it: write /a/b=c for the place /a/b"],
    [['plan', '--outputs', 'outputs/x=./a/b'], '--outputs', "write /outputs/x=./a/b for the place /outputs/x"],
    [['plan', '--timeout', ''], '--timeout', "''"],
    [['plan', '--timeout', '25000h'], '--timeout', '24 days'],
    [['run', '--record', '', '--', 'x'], '--record', 'empty'],
    [['plan', '--outputs', 'x=a', '--outputs', 'x=b'], '--outputs', "'x' is given twice"],
    [['plan', '--user', ':7'], '--user', "':7'"],
    [['plan', '--user', ''], '--user', "''"],
    [['plan', '--wait', '250'], '--wait', "'250' has no unit"],
    [['plan', '--limit', 'tmpSize=512'], '--limit tmpSize=512', "'512' has no unit"],
    [['plan', '--limit', 'tmpSize=0.5G'], '--limit tmpSize=0.5G', "'0.5G'"],
    [['plan', '--limit', 'tmpSize=2x'], '--limit tmpSize=2x', "'2x'"],
    [['plan', '--limit', 'tmpSize='], '--limit tmpSize=', "''"],
    [['plan', '--limit', 'memory'], '--limit', "'memory' is not NAME=VALUE"],
    [['plan', '--limit', '=2G'], '--limit =2G', 'is not a limit'],
    [['plan', '--limit', 'ram=2G'], '--limit ram=2G', 'there are memory, swap'],
    [['plan', '--limit', '__proto__=1'], '--limit __proto__=1', 'is not a limit'],
    [['plan', '--limit', 'memory=2G', '--limit', 'memory=1G'], '--limit', "'memory' is given twice"],
    [['plan', '--limit', 'processes=0x40'], '--limit processes=0x40', 'whole number'],
    [['plan', '--limit', 'processes=1e3'], '--limit processes=1e3', 'whole number'],
    [['plan', '--limit', 'processes= 64'], '--limit "processes= 64"', 'whole number'],
    [['plan', '--limit', 'processes='], '--limit processes=', 'whole number'],
    [['plan', '--limit', 'cpus='], '--limit cpus=', 'must be a number'],
    [['plan', '--limit', 'cpuTime=10'], '--limit cpuTime=10', "'10' has no unit"],
    [['plan', '--limit', 'wallTime=0s'], '--limit wallTime=0s', 'whole number'],
    [['plan', '--limit', 'policy=none'], '--limit policy=none', "'best-effort'"],
    [['plan', '--source-date-epoch', 'now'], '--source-date-epoch', "'now'"],
    [['plan', '--hostname', 'a', '--hostname', 'b'], '--hostname', 'twice'],
    [['plan', '--input', '/w=.', '--exclude', '/x'], '--exclude /x', 'must be relative to the input'],
    [['run', '--here', '--exclude', '../x', 'cc'], '--exclude ../x', 'must be relative to the input'],
    [['plan', '--allow', 'everything'], '--allow', ', and not everything'],
    [['plan', '--allow', 'bpf', '--allow', 'bpf'], '--allow', 'bpf twice'],
  ])('%j', (argv, entry, says) => {
    const refusal = refusalOf(() => parseCommandLine(argv))
    expect(refusal).toMatchObject({ entry, step: entry.startsWith('command[') ? 'launch' : 'plan' })
    expect(refusal.message).toContain(says)
    expect(refusal.message).not.toContain('\n')
  })
})

describe('learn and trace', () => {
  it('is a run of the project here with a trace, with a spec file to write', () => {
    expect(parseCommandLine(['learn', '--out', 'dist', '--spec', 'x.json', '--env', 'A=b', '--timeout', '10s', '--', 'make'])).toEqual({
      kind: 'run',
      here: { out: ['dist'], exclude: [], envFiles: false },
      spec: { env: { A: 'b' }, trace: true },
      learned: 'x.json',
      command: ['make'],
      timeout: 10_000,
      isJson: false,
      isPty: false,
      hasProgress: false,
    })
    expect(parseCommandLine(['learn', 'make'])).toMatchObject({ learned: 'buildjail.json' })
  })

  it('compares two records', () => {
    expect(parseCommandLine(['trace', 'diff', 'a', 'b'])).toEqual({ kind: 'trace', compared: ['a', 'b'], isJson: false })
    expect(parseCommandLine(['trace', 'diff', '--json', 'a', 'b'])).toEqual({ kind: 'trace', compared: ['a', 'b'], isJson: true })
    expect(answerAsked(['trace', 'diff', '--json', 'a'])).toBe('json')
  })

  it.each<[readonly string[], string]>([
    [['learn'], 'command'],
    [['learn', '--spec', '', 'make'], '--spec'],
    [['learn', '--apply', 'make'], '--apply'],
    [['learn', '--file', 'x.json', 'make'], '--file'],
    [['trace'], 'diff'],
    [['trace', 'show', 'a'], 'show'],
    [['trace', 'diff', 'a'], 'BEFORE and AFTER'],
    [['trace', 'diff', 'a', 'b', 'c'], 'c'],
  ])('is refused with the name of the word: %j', (words, entry) => {
    expect(() => parseCommandLine(words)).toThrow(expect.objectContaining({ entry }))
  })
})
