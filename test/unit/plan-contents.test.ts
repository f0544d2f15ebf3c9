import { existsSync, statSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { planOf, type Mount, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()
const source = tree.directory('source')
const other = tree.directory('other')
const out = tree.directory('out')
const stateDirectory = tree.directory('state')

function planned(spec: Spec = {}, platform: 'freebsd' | 'linux' = 'freebsd'): Plan {
  return planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform })
}

function mountAt(plan: Plan, target: string): Mount {
  const found = plan.mounts.find((mount) => mount.target === target)
  if (found === undefined) throw new Error(`nothing is planned at ${target}`)
  return found
}

describe('what a spec leaves open is what the documentation says', () => {
  it('a clean environment, a private /tmp, a small /etc, no network, an unprivileged user', () => {
    expect(planned()).toEqual({
      version: 1,
      platform: 'freebsd',
      mounts: [
        { kind: 'dev', target: '/dev', writable: false, entry: 'dev' },
        { kind: 'tmpfs', target: '/tmp', writable: true, size: expect.any(Number) as number, files: expect.any(Number) as number, entry: 'tmpfs' },
      ],
      links: [{ path: '/etc/localtime', target: '/usr/share/zoneinfo/UTC' }],
      files: ['gitconfig', 'group', 'hosts', 'nsswitch.conf', 'passwd', 'protocols', 'services', 'shells'].map((name) => ({ path: `/etc/${name}`, text: expect.any(String) as string, entry: 'etc' })),
      directories: ['/dev', '/etc', '/tmp'],
      env: { PATH: '/bin:/usr/bin', HOME: '/tmp', TMPDIR: '/tmp', LC_ALL: 'C' },
      path: [],
      cwd: '/tmp',
      network: 'none',
      user: { gid: 35001, groups: [], leased: { first: 35001, count: 64 } },
      allow: [],
      limits: { policy: 'strict' },
      ownership: 'folder',
      hostname: 'build',
      stateDirectory,
      wait: 0,
      trace: false,
      devices: [],
      warnings: [],
      leftOut: [],
    })
  })

  it('the state directory is below /var/run', () => {
    expect(planOf({ toolchain: 'none' }, { platform: 'freebsd' }).stateDirectory).toMatch(/^(\/var)?\/run\/buildjail$/)
  })

  it('Linux programs get /proc as well', () => {
    expect(planned({}, 'linux').mounts.map(({ kind, target }) => [kind, target])).toEqual([
      ['dev', '/dev'],
      ['proc', '/proc'],
      ['tmpfs', '/tmp'],
    ])
  })

  it('the planner itself decides nothing by the system it runs on when told another', () => {
    expect(planned({}, 'linux')).toMatchObject({ platform: 'linux', env: { PATH: '/usr/local/bin:/usr/bin:/bin' } })
  })
})

describe('what a spec says is what the plan has', () => {
  it('inputs read-only and outputs writable, each at its place and with its entry', () => {
    const plan = planned({
      inputs: { src: source, '/opt/x': other },
      output: out,
      outputs: { logs: tree.directory('logs'), '/var/cache': tree.directory('cache') },
    })
    const binds = plan.mounts.filter(({ kind }) => kind === 'bind')
    expect(binds.map(({ target, source: from, writable, entry }) => [target, from, writable, entry])).toEqual([
      ['/inputs/src', source, false, 'inputs.src'],
      ['/opt/x', other, false, 'inputs./opt/x'],
      ['/output', out, true, 'output'],
      ['/outputs/logs', tree.at('logs'), true, 'outputs.logs'],
      ['/var/cache', tree.at('cache'), true, 'outputs./var/cache'],
    ])
  })

  it('a listed toolchain, at the same path inside and read-only', () => {
    const file = tree.file('tools/cc')
    const plan = planned({ toolchain: [source, file] })
    expect(mountAt(plan, source)).toMatchObject({ kind: 'bind', source, writable: false, entry: 'toolchain[0]' })
    expect(mountAt(plan, file)).toMatchObject({ kind: 'file', source: file, writable: false, entry: 'toolchain[1]' })
    expect(plan.directories).toContain(tree.at('tools'))
    expect(plan.directories).not.toContain(file)
  })

  it('the environment adds to the clean one and wins over it', () => {
    expect(planned({ env: { PATH: '/opt/bin', CC: 'clang' }, sourceDateEpoch: 0 }).env).toEqual({
      PATH: '/opt/bin',
      HOME: '/tmp',
      TMPDIR: '/tmp',
      LC_ALL: 'C',
      SOURCE_DATE_EPOCH: '0',
      CC: 'clang',
    })
  })

  it('user, network, name, hostname, working directory and the size of /tmp', () => {
    const plan = planned({
      name: 'nightly',
      user: { uid: 7, gid: 8, groups: [10, 9] },
      network: 'host',
      hostname: 'box',
      cwd: '/inputs/src',
      limits: { tmpSize: '1M', tmpFiles: 7 },
    })
    expect(plan).toMatchObject({
      name: 'nightly',
      user: { uid: 7, gid: 8, groups: [10, 9] },
      network: 'host',
      hostname: 'box',
      cwd: '/inputs/src',
    })
    expect(mountAt(plan, '/tmp')).toMatchObject({ size: 1024 ** 2, files: 7 })
  })

  it('what the build is allowed, in one order', () => {
    expect(planned({ allow: ['attributes', 'io_uring'] }).allow).toEqual(['io_uring', 'attributes'])
  })

  it('users of its own, on FreeBSD where it names none', () => {
    const leased = { first: 40_000, count: 16 }
    expect(planned({ user: { gid: 40_001, leased } }).user).toEqual({ gid: 40_001, groups: [], leased })
    expect(planned({ user: { leased } }).user).toEqual({ gid: 40_000, groups: [], leased })
    expect(planned({ user: { uid: 7, gid: 7 } }).user).toEqual({ uid: 7, gid: 7, groups: [] })
    expect(planned({}, 'linux')).toMatchObject({ user: { uid: 35001, gid: 35001, groups: [] } })
  })

  it('root, asked for by name, has no group but its own', () => {
    expect(planned({ user: 'root' }).user).toEqual({ uid: 0, gid: 0, groups: [] })
    expect(planned({ user: { root: true } }).user).toEqual({ uid: 0, gid: 0, groups: [] })
  })

  it('ids of the host beside any user, on Linux', () => {
    const leased = { first: 600_000_000, count: 65536 }
    expect(planned({ user: { leased } }, 'linux').user).toEqual({ uid: 35001, gid: 35001, groups: [], leased })
    expect(planned({ user: { root: true, leased } }, 'linux').user).toEqual({ uid: 0, gid: 0, groups: [], leased })
    expect(planned({ user: { uid: 7, gid: 8, groups: [9], leased } }, 'linux').user).toEqual({ uid: 7, gid: 8, groups: [9], leased })
  })

  it('something of our own below our own /tmp', () => {
    const plan = planned({ inputs: { '/tmp/seed': source } })
    expect(plan.directories).toEqual(['/dev', '/etc', '/tmp', '/tmp/seed'])
  })
})

describe('what is mounted later is what was planned', () => {
  it('a source behind links is planned as what it is', () => {
    const link = tree.link('links/second', tree.link('links/first', '../source'))
    expect(mountAt(planned({ inputs: { src: link } }), '/inputs/src').source).toBe(source)
  })

  it('a relative source is taken from where the caller is', () => {
    expect(mountAt(planned({ inputs: { here: '.' } }), '/inputs/here').source).toBe(process.cwd())
  })

  it('a source is pinned by device and file number', () => {
    const { dev, ino } = statSync(source, { bigint: true })
    expect(mountAt(planned({ inputs: { src: source } }), '/inputs/src').identity).toEqual({ dev: String(dev), ino: String(ino) })
  })

  it('a file is planned as a file', () => {
    expect(mountAt(planned({ inputs: { '/etc/hosts': tree.file('hosts') } }), '/etc/hosts').kind).toBe('file')
  })
})

describe('mounting in the order of the plan always finds its mount point', () => {
  it('parents come before what is below them, and siblings that only begin alike after it', () => {
    const plan = planned({ inputs: { '/a-b': source, '/a/c': source, '/a.d': source, '/a/b/c': source, '/A': source } })
    expect(plan.mounts.map(({ target }) => target)).toEqual(['/A', '/a/b/c', '/a/c', '/a-b', '/a.d', '/dev', '/tmp'])
    expect(plan.directories).toEqual(['/A', '/a', '/a/b', '/a/b/c', '/a/c', '/a-b', '/a.d', '/dev', '/etc', '/tmp'])
  })

  it('the order in which a spec was written makes no difference', () => {
    const inputs: [string, string][] = [['a', source], ['b', other], ['/c/d', source], ['2', other], ['1', source]]
    const forwards = planned({ inputs: Object.fromEntries(inputs), output: out, hostname: 'x' })
    const backwards = planned({ hostname: 'x', output: out, inputs: Object.fromEntries(inputs.toReversed()) })
    expect(JSON.stringify(backwards)).toBe(JSON.stringify(forwards))
  })
})

describe('a plan is plain data that nobody can change', () => {
  const full = (): Plan => planned({ name: 'x', inputs: { src: source }, output: out, user: { uid: 5, gid: 6, groups: [7] } })

  function unfrozen(value: unknown, at: string): string[] {
    if (typeof value !== 'object' || value === null) return []
    const below = Object.entries(value).flatMap(([key, part]) => unfrozen(part, `${at}.${key}`))
    return Object.isFrozen(value) ? below : [at, ...below]
  }

  it('every part of it is frozen, the defaults included', () => {
    expect(unfrozen(full(), 'plan')).toEqual([])
    expect(unfrozen(planned(), 'plan')).toEqual([])
    expect(unfrozen(planned({ user: 'root' }), 'plan')).toEqual([])
  })

  it('the spec is left as it was', () => {
    const groups = [7]
    const spec: Spec = { toolchain: 'none', stateDirectory, inputs: { src: source }, env: {}, user: { uid: 5, gid: 6, groups } }
    const before = structuredClone(spec)
    planOf(spec, { platform: 'freebsd' })
    expect(spec).toEqual(before)
    expect(Object.isFrozen(groups)).toBe(false)
  })

  it('its JSON says all of it', () => {
    expect(JSON.parse(JSON.stringify(full()))).toEqual(full())
  })
})

it('an output that is missing is planned, with the folder that it will be made in, and not made', () => {
  const absent = tree.at('out/deep/er')
  tree.link('to-out', 'out')
  for (const declared of [absent, `${tree.at('to-out')}/deep/er`]) {
    const plan = planned({ output: declared })
    expect(mountAt(plan, '/output')).toMatchObject({ source: absent, missingIn: out, writable: true })
    expect(mountAt(plan, '/output').identity).toBeUndefined()
  }
  expect(existsSync(tree.at('out/deep'))).toBe(false)
})
