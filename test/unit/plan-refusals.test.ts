import { createServer } from 'node:net'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readlinkSync, realpathSync, rmdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { SpecError, type BuildjailError } from '../../src/errors.ts'
import { here } from '../../src/here/here.ts'
import { answeredBy, type Host } from '../../src/spec/look.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { planOnto } from './plan-onto.ts'
import { refusalOf } from './refusal.ts'

const tree = new HostTree()
const source = tree.directory('source')
const other = tree.directory('other')
const file = tree.file('file')
/** With a link, a file and a folder in it. */
const linked = tree.directory('linked')
tree.link('linked/link', 'folder')
tree.file('linked/file')
tree.directory('linked/folder')
const stateDirectory = tree.directory('state/sessions')

function refused(spec: Spec, platform: 'freebsd' | 'linux' = 'freebsd'): BuildjailError {
  const refusal = refusalOf(() => planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform }))
  expect(refusal).toBeInstanceOf(SpecError)
  expect(refusal.step).toBe('plan')
  return refusal
}

describe('a folder whose name is not UTF-8 is refused, as what it is decoded to is missing, or is another one', () => {
  const folder = Buffer.from(`${tree.directory('latin')}/B\xfcro`, 'latin1')
  const before = process.cwd()
  beforeAll(() => {
    mkdirSync(folder)
    mkdirSync(Buffer.from(`${String(tree.at('latin'))}/B\xfcro/source`, 'latin1'))
    symlinkSync(folder, tree.at('to-latin'))
  })
  afterEach(() => process.chdir(before))
  const message = expect.stringContaining('not UTF-8; rename it') as string

  it('behind a link', () => {
    expect(refused({ inputs: { a: tree.at('to-latin') } })).toMatchObject({ entry: 'inputs.a', message })
    expect(refused({ output: tree.at('to-latin/made') })).toMatchObject({ entry: 'output', message })
  })

  it('where a path goes from there', () => {
    process.chdir(tree.at('to-latin'))
    expect(refused({ inputs: { a: 'source' } })).toMatchObject({ entry: 'inputs.a', message })
    for (const spec of [{ output: 'made' }, { keep: 'kept' }]) expect(refused(spec)).toMatchObject({ entry: 'current folder', message })
    expect(planOf({ toolchain: 'none', stateDirectory, inputs: { a: source } }, { platform: 'linux' }).mounts).not.toEqual([])
  })
})

describe('a working directory that was removed', () => {
  const before = process.cwd()
  afterEach(() => process.chdir(before))

  it('is named where a path goes from there, and in no other plan', () => {
    process.chdir(tree.directory('gone'))
    rmdirSync(tree.at('gone'))
    expect(refused({ output: 'made' })).toMatchObject({ entry: 'current folder', message: 'current folder: was removed; work in another one' })
    expect(refused({ inputs: { a: 'source' } })).toMatchObject({ entry: 'inputs.a', code: 'ERR_BUILDJAIL_SOURCE_MISSING' })
    expect(() => here()).toThrow('current folder: was removed')
    expect(planOf({ toolchain: 'none', stateDirectory, inputs: { a: source } }, { platform: 'linux' }).mounts).not.toEqual([])
  })
})

describe('a range of ids of the host to lease from is refused', () => {
  const first = 0xffff_0000
  const bad = (entry: string): object => ({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry })

  it.each(['freebsd', 'linux'] as const)('that goes beyond the last id, on %s', (platform) => {
    expect(refused({ user: { leased: { first, count: 65536 } } }, platform)).toMatchObject(bad('user.leased.count'))
    const within = platform === 'linux' ? { first, count: 65535 } : { first: 0xffff_f000, count: 4095 }
    expect(() => planOf({ toolchain: 'none', stateDirectory, user: { leased: within } }, { platform })).not.toThrow()
  })

  it('that has too many users for FreeBSD, or too few ids for Linux', () => {
    expect(refused({ user: { leased: { first: 5, count: 4097 } } })).toMatchObject(bad('user.leased.count'))
    expect(refused({ user: { leased: { first: 5, count: 31 } } }, 'linux')).toMatchObject(bad('user.leased.count'))
  })

  it.each<NonNullable<Spec['user']>>([{ root: true, leased: { first: 5, count: 5 } }, { uid: 5, gid: 5, leased: { first: 5, count: 5 } }])('on FreeBSD, beside a user that is not leased: %j', (user) => {
    expect(refused({ user })).toMatchObject(bad('user.leased'))
  })

  it('on FreeBSD, with groups', () => {
    expect(refused({ user: { groups: [7], leased: { first: 5, count: 5 } } })).toMatchObject(bad('user.groups'))
  })
})

describe('a build that is root is refused', () => {
  const networks: readonly NonNullable<Spec['network']>[] = ['loopback', { allow: ['a.example:80'] }, { allow: [] }, { vnet: 'epair0b' }]

  // promise: 22
  it.each(networks)('on FreeBSD, with a network of the session’s own: %j', (network) => {
    const bad = { code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'user', message: expect.stringMatching(/^user: cannot be root .*devd\(8\).*name another user, or say network: 'none' or network: 'host'$/) as string }
    for (const user of ['root', { root: true }] as const) expect(refused({ user, network })).toMatchObject(bad)
  })

  it('in no other network, and not on Linux', () => {
    for (const network of ['none', 'host'] as const) expect(() => planOf({ toolchain: 'none', stateDirectory, user: 'root', network }, { platform: 'freebsd' })).not.toThrow()
    expect(() => planOf({ toolchain: 'none', stateDirectory, user: 'root', network: 'loopback' }, { platform: 'linux' })).not.toThrow()
  })
})

describe('a target that could lead elsewhere is refused', () => {
  it.each(['/a/../b', '/..', '/a/..', '/a//b', '/a/', '/a/.', '/./a', '//a', '/'])('input at %s', (target) => {
    expect(refused({ inputs: { [target]: source } })).toMatchObject({
      code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL',
      entry: `inputs.${target}`,
      path: target,
    })
  })

  it('an output likewise', () => {
    expect(refused({ outputs: { '/a/../b': source } })).toMatchObject({
      code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL',
      entry: 'outputs./a/../b',
    })
  })

  it('a part of the toolchain, which is its own target, likewise', () => {
    expect(refused({ toolchain: [file, `${source}/`] })).toMatchObject({
      code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL',
      entry: 'toolchain[1]',
    })
    expect(refused({ toolchain: ['usr'] })).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry: 'toolchain[0]', path: 'usr' })
  })

  it('a working directory likewise', () => {
    expect(refused({ cwd: 'src' })).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry: 'cwd' })
    expect(refused({ cwd: '/tmp/../etc' })).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry: 'cwd' })
  })
})

describe('two things at one target are refused, and the message names both', () => {
  it.each<[string, Spec, entry: string, twin: string]>([
    ['a named and an absolute input', { inputs: { src: source, '/inputs/src': other } }, 'inputs./inputs/src', 'inputs.src'],
    ['the output and an absolute one', { output: source, outputs: { '/output': other } }, 'outputs./output', 'output'],
    ['an input and an output', { inputs: { '/x': source }, outputs: { '/x': other } }, 'outputs./x', 'inputs./x'],
    ['an input over the private /tmp', { inputs: { '/tmp': source } }, 'inputs./tmp', 'tmpfs'],
    ['an input over the devices', { inputs: { '/dev': source } }, 'inputs./dev', 'dev'],
  ])('%s', (_what, spec, entry, twin) => {
    const refusal = refused(spec)
    expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_DUPLICATE', entry })
    expect(refusal.message).toContain(twin)
  })
})

describe('a target below what is mounted is refused where there is no mount point for it', () => {
  it.each<[string, Spec, entry: string, above: string]>([
    ['below an input', { inputs: { src: source, '/inputs/src/deep/down': other } }, 'inputs./inputs/src/deep/down', 'inputs.src'],
    ['below an input that has a link there', { inputs: { src: linked, '/inputs/src/link': other } }, 'inputs./inputs/src/link', 'inputs.src'],
    ['below an output that has a link there', { output: linked, inputs: { '/output/link': other } }, 'inputs./output/link', 'output'],
    ['behind a link in an output', { output: linked, inputs: { '/output/link/x': other } }, 'inputs./output/link/x', 'output'],
    ['below an input that has a file there', { inputs: { src: linked, '/inputs/src/file': other } }, 'inputs./inputs/src/file', 'inputs.src'],
    ['a file below an input that has a folder there', { inputs: { src: linked, '/inputs/src/folder': file } }, 'inputs./inputs/src/folder', 'inputs.src'],
    ['below a file', { inputs: { '/a': file, '/a/b': source } }, 'inputs./a/b', 'inputs./a'],
    ['below a part of the toolchain', { toolchain: [source], inputs: { [`${source}/x`]: other } }, `inputs.${source}/x`, 'toolchain[0]'],
    ['below the devices', { inputs: { '/dev/fd': source } }, 'inputs./dev/fd', 'dev'],
  ])('%s', (_what, spec, entry, above) => {
    const refusal = refused(spec)
    expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', entry })
    expect(refusal.message).toContain(`(${above})`)
  })

  it('below /proc, where the system has one', () => {
    expect(refused({ inputs: { '/proc/x': source } }, 'linux')).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', entry: 'inputs./proc/x' })
  })
})

describe('a source that is not there or not fit is refused', () => {
  const server = createServer()
  beforeAll(async () => {
    server.listen(tree.at('socket'))
    await once(server, 'listening')
  })
  afterAll(async () => {
    server.close()
    await once(server, 'close')
  })

  it('nothing there: the system call and its errno are told', () => {
    const refusal = refused({ inputs: { src: tree.at('nothing') } })
    expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'inputs.src', path: tree.at('nothing') })
    expect(refusal.errno).toBeLessThan(0)
    expect(refusal.syscall).toBeTypeOf('string')
    expect(refusal.message).toContain('ENOENT')
  })

  it('a link to nothing, and one to itself', () => {
    const dangling = tree.link('dangling', 'nowhere')
    const circle = tree.link('circle', 'circle')
    expect(refused({ output: dangling })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'output', path: dangling })
    expect(refused({ output: circle }).message).toContain('ELOOP')
  })

  it('in a folder that shuts this user out: the folder is named', () => {
    const shut = tree.directory('shut')
    const host: Host = {
      folder: tree.root,
      stat: (at) => {
        if (at.startsWith(`${shut}/`) || at.startsWith('shut/')) throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', errno: -13, syscall: 'stat' })
        return statSync(at, { bigint: true })
      },
      statIfThere: (at) => host.stat(at),
      lstat: (at) => lstatSync(at, { bigint: true }),
      lstatIfThere: (at) => lstatSync(at, { bigint: true, throwIfNoEntry: false }),
      readlink: (at) => readlinkSync(at),
      realpath: (at) => realpathSync.native(at),
      readdir: (at) => readdirSync(at),
    }
    for (const declared of [`${shut}/in/it`, 'shut/in/it']) {
      const refusal = answeredBy(host, () => refused({ inputs: { src: declared } }))
      expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', remedy: `have its owner type chmod o+x ${shut}, or name a copy elsewhere` })
      expect(refusal.message).toContain(`${declared} cannot be looked at (EACCES): this user may not enter ${shut}; remedy: have its owner`)
    }
  })

  it('a path through a file', () => {
    expect(refused({ toolchain: [`${file}/below`] })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'toolchain[0]' })
  })

  it('a socket: connecting through it would reach out of the session', () => {
    expect(refused({ inputs: { src: tree.at('socket') } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_UNFIT', entry: 'inputs.src' })
  })

  it('a device', () => {
    expect(refused({ inputs: { '/x': '/dev/null' } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_UNFIT', entry: 'inputs./x' })
  })

  it('an output that is a file', () => {
    expect(refused({ output: file })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_UNFIT', entry: 'output', path: file })
    expect(refused({ outputs: { log: file } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_UNFIT', entry: 'outputs.log' })
  })
})

describe('the whole host is no source', () => {
  it('as it is, and behind a link', () => {
    const disguised = tree.link('disguised', '/')
    expect(refused({ inputs: { host: '/' } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_IS_ROOT', entry: 'inputs.host' })
    expect(refused({ outputs: { host: '/' } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_IS_ROOT', entry: 'outputs.host' })
    expect(refused({ inputs: { host: disguised } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_IS_ROOT', entry: 'inputs.host' })
  })
})

describe('a folder of the host’s system is no output, because all in it would change its owner', () => {
  const refusal = { code: 'ERR_BUILDJAIL_SOURCE_UNFIT', message: expect.stringContaining('is a folder of the host\'s system') as string }

  // promise: 15
  it.each(['/bin', '/sbin', '/boot', '/dev', '/etc', '/home', '/lib', '/opt', '/root', '/srv', '/tmp', '/usr', '/usr/bin', '/usr/share', '/usr/local', '/usr/local/bin', '/var', '/var/lib', '/var/tmp'])('%s is refused', (folder) => {
    for (const [entry, spec] of Object.entries<Spec>({ output: { output: folder }, 'outputs.x': { outputs: { x: `${folder}/` } }, 'stores./x': { stores: { '/x': folder } } })) {
      expect(refused({ ...spec, stateDirectory: '/nowhere/at/all' })).toMatchObject({ ...refusal, entry })
    }
  })

  it('by another name', () => {
    expect(refused({ outputs: { x: tree.link('system', '/usr') } })).toMatchObject({ ...refusal, entry: 'outputs.x', path: '/usr' })
  })

  it('but a folder in one is, and each is an input', () => {
    const within = ['/opt/x', '/home/user/x', '/usr/obj', '/usr/local/x', '/usr/src/x', '/var/tmp/x', '/var/lib/x/y', '/dev/shm/x', '/x', '/mnt', '/share'].map((folder) => [`/outputs${folder}`, folder])
    expect(() => planOf({ toolchain: 'none', stateDirectory, outputs: Object.fromEntries(within) as Record<string, string>, inputs: { '/var': '/var/tmp' } }, { platform: 'linux' })).not.toThrow()
  })
})

describe('sessions stay invisible to each other: the state directory is no source', () => {
  const refusal = { code: 'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY', entry: 'inputs.x' }

  it('itself, below it and above it', () => {
    const below = tree.directory('state/sessions/one')
    for (const place of [stateDirectory, below, tree.at('state')]) expect(refused({ inputs: { x: place } })).toMatchObject(refusal)
  })

  it('behind a link, on either side', () => {
    const link = tree.link('way-in', 'state/sessions')
    expect(refused({ inputs: { x: link } })).toMatchObject(refusal)
    const around = tree.link('around', 'state')
    expect(refused({ inputs: { x: stateDirectory }, stateDirectory: `${around}/sessions` })).toMatchObject(refusal)
  })

  it('when it does not exist yet', () => {
    const above = tree.directory('later')
    expect(refused({ inputs: { x: above }, stateDirectory: tree.at('later/not/yet') })).toMatchObject(refusal)
  })

  it('but a neighbour whose name only begins alike is', () => {
    const neighbour = tree.directory('state/sessions-not')
    expect(() => planOf({ toolchain: 'none', stateDirectory, inputs: { x: neighbour } }, { platform: 'freebsd' })).not.toThrow()
  })
})

describe('a state directory that means nothing certain is refused', () => {
  it.each(['state', './state'])('relative: %s', (directory) => {
    expect(refused({ stateDirectory: directory })).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'stateDirectory' })
  })

  it('below a file', () => {
    expect(refused({ stateDirectory: `${file}/state` })).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'stateDirectory' })
  })
})

describe('one directory is writable once', () => {
  it('two outputs of the same source, one of them through a link', () => {
    const link = tree.link('same', 'source')
    const refusal = refused({ output: source, outputs: { more: link } })
    expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE', entry: 'outputs.more', path: source })
    expect(refusal.message).toContain('by output')
  })

  it('nor is it an input, and both ways to have that are named', () => {
    for (const platform of ['linux', 'freebsd'] as const) expect(refused({ output: source, inputs: { '/w': source } }, platform).message).toBe(
      `output: ${source} is an input as well (inputs./w), which the build could change by it; remedy: outputs: { '/w': '${source}' } in place of both keeps what the build writes there, and inputs: { '/w': { path: '${source}', overlay: true } } in place of both keeps nothing of it`,
    )
    for (const platform of ['linux', 'freebsd'] as const) expect(refused({ output: source, inputs: { '/w': { path: source, overlay: true } } }, platform).message).not.toContain('overlay')
  })

  it('and not read by another name as well', () => {
    expect(refused({ output: source, inputs: { seen: source } })).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', entry: 'output', path: source })
  })

  it('an output around a source is refused, be that an input, a toolchain or another output', () => {
    const inner = tree.directory('outer/middle/inner')
    const outer = path.dirname(path.dirname(inner))
    for (const spec of [{ inputs: { seen: inner } }, { toolchain: [inner] }, { outputs: { more: inner } }] satisfies Spec[]) {
      const refusal = refused({ ...spec, output: outer })
      expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', entry: 'output', path: outer })
      expect(refusal.message).toContain(`${outer} lies around ${inner}`)
    }
  })

  it('an output inside an input is what the caller asked for', () => {
    const inner = tree.directory('project/dist')
    expect(() => planOf({ toolchain: 'none', stateDirectory, output: inner, inputs: { src: path.dirname(inner) } }, { platform: 'freebsd' })).not.toThrow()
  })
})

describe('nothing is kept where the session shows it', () => {
  const project = tree.directory('kept-in')
  const dist = tree.directory('kept-in/dist')
  const within = path.join(project, 'kept')
  const planned = (spec: Spec, platform: 'linux' | 'freebsd' = 'linux'): Plan => planOf({ toolchain: 'none', etc: 'none', stateDirectory: tree.directory('kept-state'), ...spec }, { platform })
  const overlay = { path: project, overlay: true }

  it.each<[string, Spec, string]>([
    ['an overlay, whose copy would be in itself', { keep: within, inputs: { '/w': overlay }, cwd: '/w' }, ', or exclude it from that input'],
    ['an input', { keep: within, inputs: { a: project } }, ', or exclude it from that input'],
    ['the input itself', { keep: project, inputs: { a: project } }, ', or exclude it from that input'],
    ['an output', { keep: within, output: project }, ''],
    ['an output in an overlay', { keep: path.join(dist, 'kept'), inputs: { '/w': overlay }, outputs: { '/w/dist': dist } }, ''],
    ['the toolchain', { keep: within, toolchain: [project] }, ''],
  ])('%s', (_, spec, more) => {
    const { keep = '' } = spec
    for (const platform of ['linux', 'freebsd'] as const) {
      expect(refusalOf(() => planned(spec, platform))).toMatchObject({ entry: 'keep', message: expect.stringMatching(new RegExp(`^keep: ${keep} lies in ${project}\\S*, which the session shows, so that ${more.includes('input') && typeof spec.inputs?.['/w'] === 'object' ? 'a copy would be in what is copied' : 'a later build could read it'}; name a folder elsewhere${more}$`)) as string })
    }
  })

  it('but where something else is in its place, as where it is excluded', () => {
    for (const exclude of [['kept/'], ['dist', 'kept/']]) expect(planned({ keep: within, inputs: { '/w': { ...overlay, exclude } } }).keep).toBe(within)
    expect(planned({ keep: path.join(dist, 'kept'), inputs: { '/w': { path: project, exclude: ['dist'] } } }).keep).toBe(path.join(dist, 'kept'))
    expect(planned({ keep: path.join(dist, 'kept'), inputs: { '/w': overlay, '/w/dist': tree.directory('other-dist') } }).keep).toBe(path.join(dist, 'kept'))
    expect(planned({ keep: tree.at('elsewhere-kept'), inputs: { '/w': overlay } }).keep).toBe(tree.at('elsewhere-kept'))
  })

  it('nor by an input that is added', () => {
    expect(refusalOf(() => planOnto(planned({ keep: within }), { inputs: { a: project } }))).toMatchObject({ entry: 'keep' })
  })
})

it('a source that vanished after one plan is refused by the next', () => {
  const short = tree.directory('short-lived')
  const spec: Spec = { toolchain: 'none', stateDirectory, inputs: { src: short } }
  planOf(spec, { platform: 'freebsd' })
  rmSync(short, { recursive: true })
  expect(refused(spec)).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'inputs.src' })
})

it('a system without a layout is refused as such, not as a spec', () => {
  expect(refusalOf(() => planOf({}, { platform: 'darwin' }))).toMatchObject({ code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM', message: expect.stringContaining('a session is not available on darwin; remedy: ') as string })
})
