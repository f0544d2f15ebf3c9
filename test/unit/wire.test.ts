import { describe, expect, it } from 'vitest'

import type { Mount, Plan } from '../../src/spec/plan.ts'
import { packLaunch, packPlan, type Launch } from '../../src/native/wire.ts'
import { readLaunch, readPlan } from './wire-reader.ts'

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
    { kind: 'tmpfs', target: '/tmp', writable: true, size: 2 ** 40, entry: 'tmpfs' },
    bind('/tmp/seed'),
  ],
  links: [{ path: '/lib', target: 'usr/lib' }],
  directories: ['/dev', '/etc', '/inputs', '/inputs/src', '/output', '/proc', '/tmp', '/tmp/seed'],
  env: {},
  cwd: '/tmp',
  network: 'host',
  user: { uid: 0xffff_fffe, gid: 35001, groups: [5, 0x8000_0000] },
  hostname: 'build',
  stateDirectory: '/var/run/bäu',
}

describe('what native code reads of a plan is what was planned', () => {
  it('whose session, for whom, with what network', () => {
    expect(readPlan(packPlan(plan))).toMatchObject({
      version: 4,
      name: 'nightly',
      stateDirectory: '/var/run/bäu',
      hostname: 'build',
      network: 1,
      uid: 0xffff_fffe,
      gid: 35001,
      groups: [5, 0x8000_0000],
    })
    const { name: _, ...nameless } = plan
    expect(readPlan(packPlan({ ...nameless, network: 'none' }))).toMatchObject({ name: '', network: 0 })
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

  it('links and sizes', () => {
    const { steps } = readPlan(packPlan(plan))
    expect(steps).toContainEqual({ is: 'link', target: '/lib', to: 'usr/lib' })
    expect(steps).toContainEqual({ is: 'tmpfs', target: '/tmp', size: 2n ** 40n })
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
    const { steps } = readPlan(packPlan({ ...plan, mounts: many, links: [], directories: [] }))
    expect(steps.map(({ target }) => target)).toEqual(many.map(({ target }) => target))
  })
})

describe('what native code reads of a launch is what was asked for', () => {
  const launch: Launch = {
    run: 0xffff_ffff,
    isLast: true,
    argv: ['/bin/sh', '-c', 'echo "ö" \n', ''],
    env: { PATH: '/bin', EMPTY: '', EQUAL: 'a=b' },
    cwd: '/inputs/src',
    stdio: [{ kind: 'pipe' }, { kind: 'file', path: '/var/log/build' }, { kind: 'capture' }],
    maxBuffer: Number.MAX_SAFE_INTEGER,
  }

  it('arguments and environment word by word', () => {
    expect(readLaunch(packLaunch(launch))).toEqual({
      version: 4,
      run: 0xffff_ffff,
      isLast: true,
      argv: ['/bin/sh', '-c', 'echo "ö" \n', ''],
      env: ['PATH=/bin', 'EMPTY=', 'EQUAL=a=b'],
      cwd: '/inputs/src',
      maxBuffer: 9007199254740991n,
      stdio: [{ kind: 0, path: '' }, { kind: 3, path: '/var/log/build' }, { kind: 4, path: '' }],
    })
  })

  it('each launch its own, where the one before had all in common with it but one thing', () => {
    const env = Object.freeze({ PATH: '/bin' })
    const stdio: Launch['stdio'] = Object.freeze([{ kind: 'ignore' }, { kind: 'capture' }, { kind: 'capture' }] as const)
    const other: Launch['stdio'] = Object.freeze([{ kind: 'pipe' }, { kind: 'pipe' }, { kind: 'pipe' }] as const)
    const common = { ...launch, env, stdio }
    const kindsOf = (read: ReturnType<typeof readLaunch>): number[] => read.stdio.map(({ kind }) => kind)
    for (const repeated of [1, 2]) {
      expect(readLaunch(packLaunch({ ...common, run: repeated }))).toMatchObject({ run: repeated, cwd: '/inputs/src', env: ['PATH=/bin'] })
      expect(readLaunch(packLaunch({ ...common, argv: ['true'] })).argv).toEqual(['true'])
      expect(readLaunch(packLaunch({ ...common, cwd: '/tmp' })).cwd).toBe('/tmp')
      expect(readLaunch(packLaunch({ ...common, maxBuffer: 7 })).maxBuffer).toBe(7n)
      expect(kindsOf(readLaunch(packLaunch({ ...common, stdio: other })))).toEqual([0, 0, 0])
      expect(readLaunch(packLaunch({ ...common, env: Object.freeze({ A: 'b' }) })).env).toEqual(['A=b'])
      expect(kindsOf(readLaunch(packLaunch(common)))).toEqual([2, 4, 4])
    }
  })

  it('each launch its own, where the one before was longer', () => {
    expect(readLaunch(packLaunch({ ...launch, argv: ['/bin/sh', '-c', 'x'.repeat(100_000)] })).argv[2]).toHaveLength(100_000)
    expect(readLaunch(packLaunch({ ...launch, argv: ['true'] })).argv).toEqual(['true'])
  })

  it('whether it is the last', () => {
    expect(readLaunch(packLaunch({ ...launch, isLast: false })).isLast).toBe(false)
  })

  it('each kind of standard descriptor has a number of its own', () => {
    const kinds = (['pipe', 'inherit', 'ignore', 'file', 'capture', 'socket'] as const).map((kind) => {
      return readLaunch(packLaunch({ ...launch, stdio: [{ kind }, { kind }, { kind }] })).stdio[0]?.kind
    })
    expect(kinds).toEqual([0, 1, 2, 3, 4, 5])
  })
})
