import { describe, expect, it } from 'vitest'

import type { Plan } from '../../src/spec/plan.ts'
import { planText } from '../../src/spec/plan-text.ts'

const plan: Plan = {
  version: 1,
  platform: 'freebsd',
  mounts: [
    { kind: 'dev', target: '/dev', writable: false, entry: 'dev' },
    { kind: 'bind', target: '/inputs/src', source: '/home/me/src', writable: false, entry: 'inputs.src' },
    { kind: 'bind', target: '/output', source: '/var/out', writable: true, entry: 'output' },
    { kind: 'tmpfs', target: '/tmp', writable: true, size: 2 * 1024 ** 3, entry: 'tmpfs' },
  ],
  links: [{ path: '/lib', target: 'usr/lib' }],
  files: ['group', 'passwd'].map((name) => ({ path: `/etc/${name}`, text: '', entry: 'etc' })),
  directories: ['/dev', '/inputs', '/inputs/src', '/output', '/tmp'],
  env: { PATH: '/bin', GREETING: 'two words' },
  path: [],
  cwd: '/tmp',
  network: 'none',
  user: { uid: 35001, gid: 35001, groups: [] },
  allow: [],
  limits: { policy: 'strict' },
  ownership: 'folder',
  hostname: 'build',
  stateDirectory: '/var/run/buildjail',
  wait: 0,
  trace: false,
  devices: [],
  warnings: [],
  leftOut: [],
}

describe('a plan can be read by people', () => {
  it('everything that decides what a build sees is there, in columns', () => {
    expect(planText(plan)).toBe(`system    freebsd
name      -
cwd       /tmp
network   none
user      35001:35001
groups    -
allow     -
outputs   of the folder's owner
hostname  build
etc       group passwd
state     /var/run/buildjail

mounts
  kind   access  target       source         asked for by
  dev    ro      /dev         -              dev
  bind   ro      /inputs/src  /home/me/src   inputs.src
  bind   rw      /output      /var/out       output
  tmpfs  rw      /tmp         at most 2 GiB  tmpfs

links
  /lib  ->  usr/lib

environment
  PATH=/bin
  GREETING="two words"
`)
  })

  it('root is called root, groups are listed, and a plan without links has no such section', () => {
    const text = planText({ ...plan, links: [], user: { uid: 0, gid: 0, groups: [5, 6] }, allow: ['keyring', 'perf'], name: 'nightly' })
    expect(text).toContain('user      0:0 (root)\n')
    expect(text).toContain('groups    5 6\n')
    expect(text).toContain('allow     keyring perf\n')
    expect(text).toContain('name      nightly\n')
    expect(text).not.toContain('links')
  })

  it('limits, where there are some, in words', () => {
    const limits = { memory: 2 * 1024 ** 3, processes: 64, cpus: 1.5, wallTime: 500, stdio: 4097, policy: 'strict' } as const
    expect(planText(plan)).not.toContain('limits')
    expect(planText({ ...plan, limits })).toContain('limits    memory 2 GiB, processes 64, cpus 1.5, wallTime 500 ms, stdio 4097 bytes\n')
    expect(planText({ ...plan, limits: { swap: 0, policy: 'best-effort' } })).toContain('limits    swap 0 bytes, as far as the host can hold them\n')
  })

  it.each([
    [4096, 'at most 4 KiB'],
    [4097, 'at most 4097 bytes'],
    [1536 * 1024, 'at most 1536 KiB'],
    [1024 ** 5, 'at most 1024 TiB'],
  ])('%d bytes are told exactly', (size, text) => {
    expect(planText({ ...plan, mounts: [{ kind: 'tmpfs', target: '/tmp', writable: true, size, entry: 'tmpfs' }] })).toContain(text)
  })
})

describe('a name cannot pass for something else', () => {
  const shown = (source: string): string | undefined => {
    const text = planText({ ...plan, mounts: [{ kind: 'bind', target: '/inner', source, writable: false, entry: 'inputs.x' }] })
    return /\/inner {2}(.*?) +inputs\.x$/m.exec(text)?.[1]
  }

  it.each([
    ['/a\n  bind   ro      /etc', String.raw`"/a\u{a}  bind   ro      /etc"`],
    ['/a\u001b[2J', String.raw`"/a\u{1b}[2J"`],
    ['/a\u009b2J', String.raw`"/a\u{9b}2J"`],
    ['/a\u202eb', String.raw`"/a\u{202e}b"`],
    ['/a\u2028b', String.raw`"/a\u{2028}b"`],
    ['/a b', '"/a b"'],
    ['/a"b', String.raw`"/a\"b"`],
    [String.raw`/a\nb`, String.raw`"/a\\nb"`],
    ['', '""'],
    ['/süß/日本', '/süß/日本'],
  ])('%j', (source, text) => {
    expect(shown(source)).toBe(text)
  })

  it('nor can a variable of the environment, by name or by value', () => {
    const text = planText({ ...plan, env: { 'A\nB': 'x', C: 'y\nD=z' } })
    expect(text).toContain(String.raw`"A\u{a}B"=x`)
    expect(text).toContain(String.raw`C="y\u{a}D=z"`)
  })
})
