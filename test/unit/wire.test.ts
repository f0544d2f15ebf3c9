import { describe, expect, it } from 'vitest'

import type { Mount, Plan } from '../../src/spec/plan.ts'
import { packJob, plainFrame, type JobCommand } from '../../src/native/wire-job.ts'
import { packPlan, packRest } from '../../src/native/wire-plan.ts'
import { readJob, readPlan, type ReadCommand } from './wire-reader.ts'

const bind = (target: string, more: Partial<Mount> = {}): Mount => ({
  kind: 'bind',
  target,
  source: `/host${target}`,
  identity: { dev: '1', ino: '2' },
  writable: false,
  entry: 'inputs.x',
  ...more,
})

const plan: Plan = {
  version: 1,
  platform: 'freebsd',
  name: 'nightly',
  mounts: [
    { kind: 'dev', target: '/dev', writable: false, entry: 'dev' },
    bind('/etc/hosts', { kind: 'file' }),
    bind('/inputs/src'),
    bind('/output', { writable: true, identity: { dev: '18446744073709551615', ino: '9007199254740993' } }),
    { kind: 'proc', target: '/proc', writable: false, entry: 'proc' },
    { kind: 'tmpfs', target: '/tmp', writable: true, size: 2 ** 40, files: 2 ** 33, entry: 'tmpfs' },
    bind('/tmp/seed'),
  ],
  links: [{ path: '/lib', target: 'usr/lib' }],
  files: [{ path: '/etc/group', text: 'build:x:35001:\n', entry: 'etc' }],
  directories: ['/dev', '/etc', '/inputs', '/inputs/src', '/output', '/proc', '/tmp', '/tmp/seed'],
  env: {},
  path: [],
  cwd: '/tmp',
  network: 'host',
  limits: { policy: 'strict' },
  ownership: 'build',
  user: { uid: 0xffff_fffe, gid: 35001, groups: [5, 0x8000_0000] },
  allow: ['user-namespaces', 'attributes'],
  hostname: 'build',
  stateDirectory: '/var/run/bäu',
  wait: 0,
  trace: false,
  devices: [],
  warnings: [],
  leftOut: [],
}

describe('what native code reads of a plan is what was planned', () => {
  it('whose session, for whom, with what network', () => {
    expect(readPlan(packPlan(plan))).toMatchObject({
      version: 14,
      name: 'nightly',
      stateDirectory: '/var/run/bäu',
      hostname: 'build',
      network: 1,
      ownership: 1,
      uid: 0xffff_fffe,
      gid: 35001,
      groups: [5, 0x8000_0000],
      users: 0,
      allowed: 0x101,
      firstId: 0,
      idCount: 0,
    })
    expect(readPlan(packPlan({ ...plan, user: { ...plan.user, leased: { first: 600_000_000, count: 0xf000_0000 } } }))).toMatchObject({ firstId: 600_000_000, idCount: 0xf000_0000 })
    const { name: _, ...nameless } = plan
    expect(readPlan(packPlan({ ...nameless, network: 'none' }))).toMatchObject({ name: '', network: 0, handedIn: '' })
    expect(readPlan(packPlan({ ...plan, network: 'loopback' }))).toMatchObject({ network: 2, handedIn: '' })
    expect(readPlan(packPlan({ ...plan, network: { vnet: 'epair0b' } }))).toMatchObject({ network: 3, handedIn: 'epair0b' })
    expect(readPlan(packPlan({ ...plan, network: { namespace: '/run/netns/a' } }))).toMatchObject({ network: 4, handedIn: '/run/netns/a' })
  })

  it('each entry of a network of names, by its kind', () => {
    const allow = ['*.example.net:443', '10.1.2.3:5432', '[2001:db8::1]:80', 'host:5432', 'registry.example.org:443']
    const names = (network: Plan['network']): unknown => readPlan(packPlan({ ...plan, network }))
    const entries = [[1, 'example.net', 443], [2, '10.1.2.3', 5432], [2, '2001:db8::1', 80], [3, '', 5432], [0, 'registry.example.org', 443]]
    expect(names({ allow, tlsNames: true })).toMatchObject({ network: 5, handedIn: '', isBase: false, ownership: 1, names: { tlsNames: 1, allow: entries } })
    expect(names({ allow: [], tlsNames: false })).toMatchObject({ network: 5, handedIn: '', isBase: false, ownership: 1, names: { tlsNames: 0, allow: [] } })
    expect(names('none')).not.toHaveProperty('names')
  })

  it('of the pool of users, where it names none', () => {
    const user = { gid: 40_001, groups: [], leased: { first: 40_000, count: 16 } }
    expect(readPlan(packPlan({ ...plan, user }))).toMatchObject({ uid: 40_000, gid: 40_001, groups: [], users: 16, firstId: 0, idCount: 0 })
  })

  it('its limits: those that the kernel holds for all processes together, and whether somebody watches their time', () => {
    const none = { memory: undefined, swap: undefined, processes: undefined, thousandthsOfCpus: undefined, isBestEffort: false, countsCpuTime: false }
    expect(readPlan(packPlan(plan)).limits).toEqual(none)
    const limits = { memory: 2 ** 40, swap: 0, processes: 64, cpus: 1.5, cpuTime: 1000, openFiles: 9, policy: 'best-effort' } as const
    const read = { memory: 2n ** 40n, swap: 0n, processes: 64n, thousandthsOfCpus: 1500n, isBestEffort: true, countsCpuTime: true }
    expect(readPlan(packPlan({ ...plan, limits })).limits).toEqual(read)
    expect(readPlan(packPlan({ ...plan, limits: { openFiles: 9, fileSize: 9, stdio: 9, wallTime: 9, policy: 'strict' } })).limits).toEqual(none)
  })

  it('directories with our own file systems on them first, then links and files, and all binds last', () => {
    expect(readPlan(packPlan(plan)).steps.map(({ is, target }) => `${is} ${target}`)).toEqual([
      'directory /dev',
      'dev /dev',
      'directory /etc',
      'directory /inputs',
      'directory /inputs/src',
      'directory /output',
      'directory /proc',
      'proc /proc',
      'directory /tmp',
      'tmpfs /tmp',
      'directory /tmp/seed',
      'link /lib',
      'text /etc/group',
      'file /etc/hosts',
      'bind /etc/hosts',
      'bind /inputs/src',
      'bind /output',
      'bind /tmp/seed',
    ])
  })

  it('only what is asked for is writable, a file is bound as a file, and identities keep all 64 bits', () => {
    const binds = readPlan(packPlan(plan)).steps.filter((step) => step.is === 'bind')
    expect(binds).toEqual([
      { is: 'bind', target: '/etc/hosts', source: '/host/etc/hosts', isFile: true, isWritable: false, dev: 1n, ino: 2n },
      { is: 'bind', target: '/inputs/src', source: '/host/inputs/src', isFile: false, isWritable: false, dev: 1n, ino: 2n },
      { is: 'bind', target: '/output', source: '/host/output', isFile: false, isWritable: true, dev: 2n ** 64n - 1n, ino: 9007199254740993n },
      { is: 'bind', target: '/tmp/seed', source: '/host/tmp/seed', isFile: false, isWritable: false, dev: 1n, ino: 2n },
    ])
  })

  it('/tmp is for everyone and sticky, everything else for its owner to change', () => {
    const directories = readPlan(packPlan(plan)).steps.filter((step) => step.is === 'directory')
    expect(directories.filter(({ mode }) => mode !== 0o755)).toEqual([{ is: 'directory', target: '/tmp', mode: 0o1777 }])
  })

  it('links, texts and sizes', () => {
    const { steps } = readPlan(packPlan(plan))
    expect(steps).toContainEqual({ is: 'link', target: '/lib', to: 'usr/lib' })
    expect(steps).toContainEqual({ is: 'text', target: '/etc/group', text: 'build:x:35001:\n' })
    expect(steps).toContainEqual({ is: 'tmpfs', target: '/tmp', size: 2n ** 40n, files: 2n ** 33n })
  })

  it('a folder that is listed brings no mount, and when it was listed', () => {
    const listed = bind('/inputs/src', { kind: 'listed', identity: { dev: '1', ino: '2' }, modified: '1764260000000000001' })
    const { steps } = readPlan(packPlan({ ...plan, mounts: [listed], directories: ['/inputs', '/inputs/src'] }))
    expect(steps.slice(2)).toContainEqual({ is: 'listed', target: '/inputs/src', source: listed.source, dev: 1n, ino: 2n, modified: 1764260000000000001n })
    expect(steps.filter(({ is }) => is === 'bind')).toEqual([])
  })

  it('a negative device number, as some systems have it, keeps its bits', () => {
    const { steps } = readPlan(packPlan({ ...plan, mounts: [bind('/a', { identity: { dev: '-1', ino: '3' } })], directories: ['/a'] }))
    expect(steps).toContainEqual(expect.objectContaining({ is: 'bind', dev: 2n ** 64n - 1n, ino: 3n }))
  })

  it('a plan that came back from JSON packs the same', () => {
    expect(packPlan(JSON.parse(JSON.stringify(plan)) as Plan)).toEqual(packPlan(plan))
  })

  it('a plan larger than any first guess', () => {
    const many = Array.from({ length: 3000 }, (_, index) => bind(`/inputs/${index}/${'ü'.repeat(index % 50)}x`))
    const { steps } = readPlan(packPlan({ ...plan, mounts: many, links: [], files: [], directories: [] }))
    expect(steps.map(({ target }) => target)).toEqual(many.map(({ target }) => target))
  })
})

describe('what native code reads of a job is what was asked for', () => {
  const command: JobCommand = {
    argv: ['/bin/sh', '-c', 'echo "ö" \n', ''],
    env: { PATH: '/bin', EMPTY: '', EQUAL: 'a=b' },
    cwd: '/inputs/src',
    stdio: [{ kind: 'pipe' }, { kind: 'file', path: '/var/log/build' }, { kind: 'capture' }],
    maxBuffer: Number.MAX_SAFE_INTEGER,
  }
  const commandOf = (asked: JobCommand): ReadCommand => {
    const read = readJob(packJob(1, asked, plainFrame)).command
    if (read === undefined) throw new Error('there is no command')
    return read
  }

  it('arguments and environment word by word', () => {
    expect(readJob(packJob(0xffff_ffff, command, plainFrame))).toEqual({
      version: 14,
      job: 0xffff_ffff,
      closes: false,
      tellsStarted: false,
      tellsSteps: false,
      id: '',
      rest: undefined,
      command: {
        argv: ['/bin/sh', '-c', 'echo "ö" \n', ''],
        env: ['PATH=/bin', 'EMPTY=', 'EQUAL=a=b'],
        cwd: '/inputs/src',
        maxBuffer: 9007199254740991n,
        limits: {},
        stdio: [{ kind: 0, path: '' }, { kind: 3, path: '/var/log/build' }, { kind: 4, path: '' }],
        terminalSize: [0, 0],
      },
    })
  })

  it('its limits, in 64 bits', () => {
    expect(commandOf({ ...command, limits: { cpuTime: 1, openFiles: 2, fileSize: Number.MAX_SAFE_INTEGER, stackSize: 4, stdio: 2 ** 32 } }).limits).toEqual({ 0: 1n, 1: 2n, 2: 2n ** 53n - 1n, 3: 4n, stdio: 2n ** 32n })
  })

  it('whose session it opens, whether it closes it, and whether its start and its steps are told', () => {
    const id = '0123456789abcdef'
    for (const flags of [[true, false, false], [false, true, false], [false, false, true], [true, true, true]] as const) {
      const [closes, tellsStarted, tellsSteps] = flags
      expect(readJob(packJob(7, command, { ...plainFrame, id, closes, tellsStarted, tellsSteps }))).toMatchObject({ job: 7, id, closes, tellsStarted, tellsSteps })
    }
  })

  it('what is added to a base, with a command and without', () => {
    const rest = packRest({ ...plan, mounts: [...plan.mounts, bind('/inputs/more')], directories: [...plan.directories, '/inputs/more'] }, plan)
    for (const asked of [command, undefined]) {
      const read = readJob(packJob(3, asked, { ...plainFrame, rest }))
      expect(read.rest?.map(({ is, target }) => `${is} ${target}`)).toEqual(['directory /inputs/more', 'bind /inputs/more'])
      expect(read.command?.argv).toEqual(asked?.argv)
    }
  })

  it('nothing but to open, where that is all', () => {
    expect(readJob(packJob(2, undefined, { ...plainFrame, id: 'ab' }))).toEqual({ version: 14, job: 2, closes: false, tellsStarted: false, tellsSteps: false, id: 'ab', rest: undefined, command: undefined })
  })

  it('each command its own, where the one before had all in common with it but one thing', () => {
    const env = Object.freeze({ PATH: '/bin' })
    const stdio: JobCommand['stdio'] = Object.freeze([{ kind: 'ignore' }, { kind: 'capture' }, { kind: 'capture' }] as const)
    const other: JobCommand['stdio'] = Object.freeze([{ kind: 'pipe' }, { kind: 'pipe' }, { kind: 'pipe' }] as const)
    const common = { ...command, env, stdio }
    const kindsOf = (read: ReadCommand): number[] => read.stdio.map(({ kind }) => kind)
    for (const repeated of [1, 2]) {
      expect(readJob(packJob(repeated, common, plainFrame))).toMatchObject({ job: repeated, command: { cwd: '/inputs/src', env: ['PATH=/bin'] } })
      expect(commandOf({ ...common, argv: ['true'] }).argv).toEqual(['true'])
      expect(commandOf({ ...common, cwd: '/tmp' }).cwd).toBe('/tmp')
      expect(commandOf({ ...common, maxBuffer: 7 }).maxBuffer).toBe(7n)
      expect(commandOf({ ...common, limits: { openFiles: 9 } }).limits).toEqual({ 1: 9n })
      expect(kindsOf(commandOf({ ...common, stdio: other }))).toEqual([0, 0, 0])
      expect(commandOf({ ...common, env: Object.freeze({ A: 'b' }) }).env).toEqual(['A=b'])
      expect(kindsOf(commandOf(common))).toEqual([2, 4, 4])
    }
  })

  it('each command its own, where the one before was longer', () => {
    expect(commandOf({ ...command, argv: ['/bin/sh', '-c', 'x'.repeat(100_000)] }).argv[2]).toHaveLength(100_000)
    expect(commandOf({ ...command, argv: ['true'] }).argv).toEqual(['true'])
  })

  it('in a buffer of its own size, also after one of megabytes: native code copies all of the buffer', () => {
    const small = { ...command, argv: ['true'] }
    packJob(1, { ...command, argv: ['true', 'x'.repeat(4_000_000)] }, plainFrame)
    expect(packJob(2, small, plainFrame).length).toBeLessThan(100_000)
  })

  it('each kind of standard descriptor has a number of its own, and only a file a path', () => {
    const kinds = ['pipe', 'inherit', 'ignore', 'file', 'capture', 'socket', 'same', 'pty'] as const
    const read = kinds.map((kind) => commandOf({ ...command, stdio: [{ kind, path: '/x' }, { kind }, { kind }] }).stdio[0])
    expect(read.map((stdio) => stdio?.kind)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(read.map((stdio) => stdio?.path)).toEqual(kinds.map((kind) => (kind === 'file' ? '/x' : '')))
  })
})
