import { realpathSync } from 'node:fs'
import path from 'node:path'

import { describe, expect, it, vi } from 'vitest'

import { planOf, type Plan } from '../../src/spec/plan.ts'
import { planText } from '../../src/spec/plan-text.ts'
import { runningRuntime } from '../../src/spec/host-parts.ts'
import type { Spec, Toolchain } from '../../src/spec/spec.ts'
import type { SystemLayout } from '../../src/spec/system-layout.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { planOnto } from './plan-onto.ts'

const tree = new HostTree()
const usr = tree.directory('usr')
const inner = tree.directory('usr/lib/inner')
const config = tree.file('etc/ld.conf')
const lib = tree.link('lib', 'usr/lib')
const sdk = tree.directory('opt/sdk-1')
const sdkLink = tree.link('opt/sdk', 'sdk-1')
const stateDirectory = tree.directory('state')

// A base system of the test's own, so that the same is seen on every host.
const layout = vi.hoisted(() => ({ toolchain: [] as string[], resolver: [] as string[], trust: [] as string[], searchPath: '/bin:/usr/bin', own: [{ kind: 'tmpfs', target: '/tmp' }] }))
vi.mock('../../src/spec/system-layout.ts', () => ({ layoutOf: () => layout as SystemLayout }))
layout.toolchain = [usr, lib, config]

const planned = (spec: Spec): Plan => planOf({ toolchain: 'none', etc: 'none', stateDirectory, ...spec }, { platform: 'linux' })
const shown = (toolchain: Toolchain): string[] => planned({ toolchain }).mounts.filter(({ source }) => source !== undefined).map(({ target, source, entry }) => `${target} ${source === target ? '' : `<- ${source} `}${entry}`)
const host = [`${config} toolchain`, `${usr} toolchain`]

describe('a toolchain is a list of what the host has', () => {
  it('host, and more beside it', () => {
    expect(shown(['host'])).toEqual(shown('host'))
    expect(shown(['host', sdk])).toEqual([host[0], `${sdk} toolchain[1]`, host[1]])
    expect(planned({ toolchain: [sdk, 'host'] }).links).toEqual([{ path: lib, target: 'usr/lib' }])
  })

  it('what lies in a part of it is there already', () => {
    expect(shown(['host', inner])).toEqual(host)
    expect(shown(['host', usr, config])).toEqual(host)
    expect(shown(['host', `${lib}/inner`])).toEqual(host)
    expect(shown(['host', lib])).toEqual(host)
    expect(shown([sdk, sdk])).toEqual([`${sdk} toolchain[0]`])
    expect(shown([inner, usr])).toEqual([`${usr} toolchain[1]`])
  })

  it('what lies around parts of the host’s has them in it', () => {
    expect(shown(['host', path.dirname(config)])).toEqual([`${path.dirname(config)} toolchain[1]`, host[1]])
    expect(planned({ toolchain: ['host', tree.root], stateDirectory: '/elsewhere' }).links).toEqual([])
  })

  it('a link that leads out of a part is found where it leads', () => {
    const way = tree.link('usr/sdk', '../opt/sdk-1')
    expect(shown(['host', way])).toEqual([host[0], `${sdk} toolchain[1]`, host[1]])
    expect(shown(['host', way, sdk])).toEqual([host[0], `${sdk} toolchain[2]`, host[1]])
  })

  it('the links of the host’s system into what is listed are there, and no others', () => {
    expect(planned({ toolchain: [inner] }).links).toEqual([{ path: lib, target: 'usr/lib' }])
    expect(planned({ toolchain: [usr] }).links).toEqual([{ path: lib, target: 'usr/lib' }])
    expect(planned({ toolchain: [sdk, config] }).links).toEqual([])
    expect(shown([`${lib}/inner`, inner])).toEqual([`${inner} toolchain[0]`])
  })

  it('a link of its own is what it leads to', () => {
    expect(shown([sdkLink])).toEqual([`${sdkLink} <- ${sdk} toolchain[0]`])
  })

  it('another word is refused, and the words that there are are named', () => {
    expect(refusalOf(() => planned({ toolchain: ['hots'] }))).toMatchObject({
      entry: 'toolchain[0]',
      message: "toolchain[0]: hots is neither 'host' nor 'node', nor an absolute path",
    })
    expect(refusalOf(() => planned({ toolchain: ['none'] }))).toMatchObject({ entry: 'toolchain[0]' })
    expect(refusalOf(() => planned({ toolchain: 'node' as 'host' })).message).toBe(
      "toolchain: must be 'host', 'none' or a list of 'host', 'node' and absolute paths, such as ['host', 'node']",
    )
  })
})

describe("'node' is the runtime of this program", () => {
  it('Node is shown with its whole prefix, and Bun as its one file', () => {
    const program = tree.file('node-22/bin/node')
    expect(runningRuntime(program, true)).toEqual({ source: tree.at('node-22'), bin: tree.at('node-22/bin') })
    expect(runningRuntime(tree.link('bin/node', '../node-22/bin/node'), true)).toEqual({ source: tree.at('node-22'), bin: tree.at('node-22/bin') })
    expect(runningRuntime(program, false)).toEqual({ source: program, bin: tree.at('node-22/bin') })
    const own = tree.file('own/app')
    expect(runningRuntime(own, true)).toEqual({ source: own, bin: tree.at('own') })
  })

  it('it is read-only at the same path, and comes first on PATH', () => {
    const { source, bin } = runningRuntime()
    const plan = planned({ toolchain: ['node'] })
    expect(plan.mounts).toContainEqual(expect.objectContaining({ target: source, source, writable: false, entry: 'toolchain[0]' }))
    expect(plan.env['PATH']?.split(':')[0]).toBe(bin)
    expect(realpathSync(process.execPath).startsWith(source)).toBe(true)
  })
})

describe('a source that is optional', () => {
  const absent = tree.at('absent')

  it('is left out where it is not there, and the plan says so', () => {
    const plan = planned({ toolchain: [sdk, { path: absent, optional: true }], inputs: { more: { path: `${absent}/below`, optional: true } } })
    expect(plan.mounts.filter(({ source }) => source !== undefined).map(({ target }) => target)).toEqual([sdk])
    expect(plan.leftOut).toEqual([
      { entry: 'toolchain[1]', path: absent },
      { entry: 'inputs.more', path: `${absent}/below` },
    ])
    expect(planText(plan)).toContain(`\nleft out, as they are not there\n  toolchain[1]  ${absent}\n  inputs.more   ${absent}/below\n`)
  })

  it('is shown where it is there', () => {
    expect(planned({ inputs: { sdk: { path: sdk, optional: true } } })).toEqual(planned({ inputs: { sdk } }))
    expect(planText(planned({ inputs: { sdk } }))).not.toContain('left out')
  })

  it('is refused where it is there and cannot be shown, or is not said to be optional', () => {
    const circle = tree.link('circle', 'circle')
    expect(refusalOf(() => planned({ inputs: { x: { path: circle, optional: true } } })).message).toContain('ELOOP')
    expect(refusalOf(() => planned({ inputs: { x: { path: absent } } }))).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'inputs.x' })
    expect(refusalOf(() => planned({ inputs: { x: { path: absent, optional: false } } }))).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING' })
  })

  it('that a build adds is told of with those of the base', () => {
    const base = planned({ inputs: { a: { path: absent, optional: true } } })
    expect(planOnto(base, { inputs: { b: { path: absent, optional: true } } }).leftOut.map(({ entry }) => entry)).toEqual(['inputs.a', 'inputs.b'])
    expect(base.leftOut).toHaveLength(1)
  })
})

describe('path comes before PATH', () => {
  const pathOf = (spec: Spec): string | undefined => planned(spec).env['PATH']

  it('the default, and one of the spec’s own', () => {
    expect(pathOf({ path: ['/a', '/b'] })).toBe('/a:/b:/bin:/usr/bin')
    expect(pathOf({ path: ['/a'], env: { PATH: '/c' } })).toBe('/a:/c')
    expect(pathOf({ path: ['/usr/bin', '/usr/bin'] })).toBe('/usr/bin:/bin')
    expect(pathOf({ path: ['/a'], env: { PATH: '' } })).toBe('/a')
    expect(planned({ path: ['/a'] }).path).toEqual(['/a'])
  })

  it('what a build adds comes before the base’s, whatever PATH either has', () => {
    const base = planned({ path: ['/a'] })
    expect(planOnto(base, { path: ['/b'] }).env['PATH']).toBe('/b:/a:/bin:/usr/bin')
    expect(planOnto(base, { env: { PATH: '/c' } })).toEqual(planned({ path: ['/a'], env: { PATH: '/c' } }))
    expect(base.env['PATH']).toBe('/a:/bin:/usr/bin')
  })

  it('what is no directory inside is refused', () => {
    expect(refusalOf(() => planned({ path: ['a'] }))).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry: 'path[0]' })
    expect(refusalOf(() => planned({ path: ['/a', '/b/../c'] }))).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry: 'path[1]' })
    expect(refusalOf(() => planned({ path: ['/a:/b'] }))).toMatchObject({ entry: 'path[0]', message: 'path[0]: must not hold a colon, which parts the directories of PATH' })
  })
})

describe('variables of this program', () => {
  it('are passed as they are when the plan is made, where they are set', () => {
    vi.stubEnv('BUILDJAIL_PASSED', 'one')
    const plan = planned({ env: { pass: ['BUILDJAIL_PASSED', 'BUILDJAIL_ABSENT', 'toString'], set: { CC: 'cc' } } })
    expect(plan.env).toMatchObject({ BUILDJAIL_PASSED: 'one', CC: 'cc' })
    expect(Object.keys(plan.env)).not.toContain('BUILDJAIL_ABSENT')
    expect(Object.keys(plan.env)).not.toContain('toString')
    vi.unstubAllEnvs()
  })

  it('lose to those that are set', () => {
    vi.stubEnv('BUILDJAIL_PASSED', 'one')
    expect(planned({ env: { pass: ['BUILDJAIL_PASSED'], set: { BUILDJAIL_PASSED: 'two' } } }).env).toMatchObject({ BUILDJAIL_PASSED: 'two' })
    vi.unstubAllEnvs()
  })

  it('a variable may be called pass or set: its value is a string', () => {
    expect(planned({ env: { pass: 'x', set: 'y' } }).env).toMatchObject({ pass: 'x', set: 'y' })
  })

  it('the two forms do not mix', () => {
    const refused = (env: unknown): unknown => refusalOf(() => planned({ env } as Spec))
    expect(refused({ pass: ['A'], CC: 'cc' })).toMatchObject({ entry: 'env.CC', message: 'env.CC: cannot stand beside pass and set; a variable of the build is in set' })
    expect(refused({ pass: 'A', set: {} })).toMatchObject({ entry: 'env.pass', message: 'env.pass: must be a list of names' })
    expect(refused({ pass: ['A'], set: 'x' })).toMatchObject({ entry: 'env.set' })
    expect(refused({ pass: ['A=B'] })).toMatchObject({ entry: 'env.pass[0]' })
    expect(refused({ set: { A: 1 } })).toMatchObject({ entry: 'env.set.A' })
  })
})
