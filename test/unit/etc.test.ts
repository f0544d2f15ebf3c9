import { describe, expect, it } from 'vitest'

import { parseCommandLine } from '../../src/cli/command-line.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { planOnto } from './plan-onto.ts'

const tree = new HostTree()
const stateDirectory = tree.directory('state')
const folder = tree.directory('folder')
const file = tree.file('file')

type System = 'freebsd' | 'linux'
const planned = (spec: Spec = {}, platform: System = 'linux'): Plan => planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform })
const textOf = ({ files }: Plan, name: string): string | undefined => files.find(({ path }) => path === `/etc/${name}`)?.text
const pathsOf = ({ files, links, mounts }: Plan): string[] =>
  [...files.map(({ path }) => path), ...links.map(({ path }) => path), ...mounts.map(({ target }) => target)].filter((path) => path.startsWith('/etc'))

describe('/etc/passwd and /etc/group', () => {
  it('have root, the build user, the owners of system files and nobody, on both systems by their own names', () => {
    expect(textOf(planned(), 'passwd')).toBe(
      'root:x:0:0:root:/tmp:/bin/sh\nbuild:x:35001:35001:build user:/tmp:/bin/sh\n' +
        'daemon:x:1:1:daemon:/nonexistent:/usr/sbin/nologin\nbin:x:2:2:bin:/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    )
    expect(textOf(planned(), 'group')).toBe('root:x:0:\ndaemon:x:1:\nbin:x:2:\nbuild:x:35001:\nnogroup:x:65534:\n')
    expect(textOf(planned({}, 'freebsd'), 'group')).toBe('wheel:*:0:\ndaemon:*:1:\nbin:*:7:\nbuild:*:35001:\nnogroup:*:65533:\nnobody:*:65534:\n')
  })

  it('leave the number of a user open who is leased, and fill it in everywhere else', () => {
    expect(textOf(planned({}, 'freebsd'), 'passwd')).toContain('\nbuild:*::35001:')
    expect(textOf(planned({ user: { uid: 7, gid: 8 } }, 'freebsd'), 'passwd')).toContain('\nbuild:*:7:8:')
    const own = { '/etc/passwd': '# mine\nme:x::9:a:b:c\nyou:x:5:9:a:b:c\n' }
    expect(textOf(planned({ etc: own }), 'passwd')).toBe('# mine\nme:x:35001:9:a:b:c\nyou:x:5:9:a:b:c\n')
    expect(textOf(planned({ etc: own }, 'freebsd'), 'passwd')).toBe(own['/etc/passwd'])
  })

  it.each<[string, Spec['user'], string, string]>([
    ['root', 'root', 'root daemon bin nobody', 'root daemon bin nogroup'],
    ['a user with groups', { uid: 7, gid: 8, groups: [0, 9] }, 'root build daemon bin nobody', 'root daemon bin build group9 nogroup'],
    ['who is nobody', { uid: 65534, gid: 65534 }, 'root build daemon bin', 'root daemon bin nogroup'],
    ['who is bin', { uid: 2, gid: 2 }, 'root build daemon nobody', 'root daemon build nogroup'],
    ["who is in root's group", { uid: 7, gid: 0 }, 'root build daemon bin nobody', 'root daemon bin nogroup'],
  ])('name nobody twice: %s', (_, user, users, groups) => {
    const plan = planned({ ...(user !== undefined && { user }) })
    const namesIn = (name: string): string => (textOf(plan, name) ?? '').replaceAll(/:.*$/gm, '').trim().split('\n').join(' ')
    expect([namesIn('passwd'), namesIn('group')]).toEqual([users, groups])
    const numbers = (textOf(plan, 'passwd') ?? '').trim().split('\n').map((line) => line.split(':')[2])
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('say of a supplementary group who is in it', () => {
    expect(textOf(planned({ user: { uid: 7, gid: 8, groups: [0, 9] } }), 'group')).toBe('root:x:0:build\ndaemon:x:1:\nbin:x:2:\nbuild:x:8:\ngroup9:x:9:build\nnogroup:x:65534:\n')
  })
})

describe('the other files', () => {
  it('know localhost and the name of the session, each once', () => {
    expect(textOf(planned({ hostname: 'box' }), 'hosts')).toBe('127.0.0.1 localhost box\n::1 localhost box\n')
    expect(textOf(planned({ hostname: 'localhost' }), 'hosts')).toBe('127.0.0.1 localhost\n::1 localhost\n')
  })

  it('are the same on every host of a system', () => {
    expect(pathsOf(planned()).toSorted()).toEqual(['gitconfig', 'group', 'hosts', 'localtime', 'mtab', 'nsswitch.conf', 'passwd', 'protocols', 'services', 'shells'].map((name) => `/etc/${name}`))
    expect(textOf(planned(), 'services')).toMatch(/^https 443\/tcp$/m)
    expect(textOf(planned(), 'services')).toMatch(/^imaps 993\/tcp$/m)
    expect(textOf(planned(), 'services')).not.toMatch(/^imaps .*\/udp/m)
    expect(textOf(planned(), 'nsswitch.conf')).toMatch(/^hosts: files dns$/m)
    expect(planned().links).toContainEqual({ path: '/etc/localtime', target: '/usr/share/zoneinfo/UTC' })
    expect(planned().links).toContainEqual({ path: '/etc/mtab', target: '/proc/self/mounts' })
    expect(pathsOf(planned({}, 'freebsd'))).not.toContain('/etc/mtab')
  })

  it('have an empty resolv.conf where there is a loopback', () => {
    expect(textOf(planned({ network: 'loopback' }), 'resolv.conf')).toBe('')
    expect(textOf(planned(), 'resolv.conf')).toBeUndefined()
  })

  it('name the resolver of a network of names, with files before it', () => {
    const plan = planned({ network: { allow: ['a.example:443'] } })
    expect(textOf(plan, 'resolv.conf')).toBe('nameserver 127.0.0.53\noptions timeout:2 attempts:2\n')
    expect(textOf(plan, 'nsswitch.conf')).toMatch(/^hosts: files dns$/m)
    expect(textOf(planned({ network: { allow: [] }, etc: { '/etc/resolv.conf': 'mine' } }), 'resolv.conf')).toBe('mine')
  })

  it('have no name in /etc/hosts that a network of names is to have', () => {
    const network = { allow: ['box:80'] }
    expect(refusalOf(() => planned({ network, hostname: 'Box' }))).toMatchObject({ entry: 'hostname' })
    expect(textOf(planned({ network, hostname: 'box.example' }), 'hosts')).toContain('box.example')
  })
})

describe("a spec's own entries", () => {
  it("'none' has nothing of ours", () => {
    expect(pathsOf(planned({ etc: 'none' }))).toEqual([])
    expect(planned({ etc: 'none' }).directories).not.toContain('/etc')
  })

  it('add to the minimal ones and replace them, links too', () => {
    const plan = planned({ etc: { '/etc/hosts': 'mine', '/etc/localtime': '', '/etc/opt/x': 'ö\n' } })
    expect(textOf(plan, 'hosts')).toBe('mine')
    expect(textOf(plan, 'localtime')).toBe('')
    expect(textOf(plan, 'opt/x')).toBe('ö\n')
    expect(textOf(plan, 'shells')).toContain('/bin/sh')
    expect(plan.links).toEqual([{ path: '/etc/mtab', target: '/proc/self/mounts' }])
    expect(plan.directories).toContain('/etc/opt')
  })

  it.each<[string, Spec]>([
    ['a file', { inputs: { '/etc/hosts': file } }],
    ['a folder over a link', { inputs: { '/etc/localtime': folder } }],
    ['all of /etc', { inputs: { '/etc': folder } }],
    ['a folder below', { inputs: { '/etc/passwd/x': folder } }],
    ['an output', { outputs: { '/etc': folder } }],
  ])('win where a spec mounts something: %s', (_, spec) => {
    const plan = planned(spec)
    const [target = ''] = Object.keys({ ...spec.inputs, ...spec.outputs })
    expect(pathsOf(plan).filter((path) => path === target || path.startsWith(`${target}/`) || target.startsWith(`${path}/`))).toEqual([target])
    expect(pathsOf(plan).length).toBe(target === '/etc' ? 1 : 10)
  })

  it('in a base, an input wins over a file, and what would cover more is refused', () => {
    const base = planned()
    const plan = planOnto(base, { inputs: { '/etc/hosts': file } })
    expect(textOf(plan, 'hosts')).toBeUndefined()
    expect(plan.mounts.find(({ target }) => target === '/etc/hosts')).toMatchObject({ kind: 'file', source: file })
    for (const target of ['/etc', '/etc/hosts/x', '/etc/localtime']) {
      expect(refusalOf(() => planOnto(base, { inputs: { [target]: folder } }))).toMatchObject({ entry: `inputs.${target}` })
    }
    expect(refusalOf(() => planOnto(base, { etc: {} } as object))).toMatchObject({ entry: 'etc' })
  })

  it.each<[string, unknown, string]>([
    ['a relative path', { 'etc/x': '' }, 'etc.etc/x'],
    ['a path elsewhere', { '/usr/x': '' }, 'etc./usr/x'],
    ['a path that leads elsewhere', { '/etc/../usr/x': '' }, 'etc./etc/../usr/x'],
    ['/etc itself', { '/etc': '' }, 'etc./etc'],
    ['a path that is a folder', { '/etc/x/': '' }, 'etc./etc/x/'],
    ['a path with a NUL', { '/etc/x\0': '' }, 'etc'],
    ['no text', { '/etc/x': 1 }, 'etc./etc/x'],
    ['a text with a NUL', { '/etc/x': '\0' }, 'etc./etc/x'],
    ['too much text', { '/etc/x': 'ö'.repeat(2 ** 19), '/etc/y': 'y' }, 'etc'],
    ['another word', 'host', 'etc'],
    ['a list', ['/etc/x'], 'etc'],
    ['nothing', null, 'etc'],
  ])('are refused by their name where they are %s', (_, etc, entry) => {
    expect(refusalOf(() => planned({ etc } as object))).toMatchObject({ entry })
  })

  it.each<[string, Spec, string]>([
    ['mounted there', { inputs: { '/etc/x': file }, etc: { '/etc/x': '' } }, 'ERR_BUILDJAIL_TARGET_DUPLICATE'],
    ['mounted around it', { inputs: { '/etc/x': folder }, etc: { '/etc/x/y': '' } }, 'ERR_BUILDJAIL_TARGET_BELOW_BIND'],
    ['mounted in it', { inputs: { '/etc/x/y': folder }, etc: { '/etc/x': '' } }, 'ERR_BUILDJAIL_TARGET_BELOW_BIND'],
    ['written around it', { etc: { '/etc/x': '', '/etc/x/y': '' } }, 'ERR_BUILDJAIL_TARGET_BELOW_BIND'],
  ])('are refused where something is %s', (_, spec, code) => {
    expect(refusalOf(() => planned(spec))).toMatchObject({ code })
  })
})

describe('on the command line', () => {
  const etcOf = (...words: string[]): unknown => {
    const request = parseCommandLine(['run', ...words.flatMap((word) => ['--etc', word]), '--', 'true'])
    return request.kind === 'run' ? request.spec.etc : undefined
  }

  it('it is a word, or what files hold', () => {
    expect(etcOf('none')).toBe('none')
    expect(etcOf('minimal')).toBe('minimal')
    expect(etcOf(`/etc/a=${file}`, `/etc/b=${file}`)).toEqual({ '/etc/a': '', '/etc/b': '' })
  })

  it.each([[['none', 'minimal']], [['host']], [['/etc/a=/no/such/file']], [[`/etc/a=${folder}`]]])('%j is refused', (words) => {
    expect(refusalOf(() => etcOf(...words))).toMatchObject({ message: expect.stringMatching(/^--etc: /) as string })
  })
})
