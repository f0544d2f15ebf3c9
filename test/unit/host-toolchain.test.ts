import { describe, expect, it, vi } from 'vitest'

import { hostParts } from '../../src/spec/host-parts.ts'
import { answeredBy, host } from '../../src/spec/look.ts'
import { planOf } from '../../src/spec/plan.ts'
import type { SystemLayout } from '../../src/spec/system-layout.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'

// A base system of the test's own, so that the same is seen on every host.
const layout = vi.hoisted((): { -readonly [Name in keyof SystemLayout]: SystemLayout[Name] } => ({ toolchain: [] as string[], resolver: [] as string[], trust: [] as string[], searchPath: '/bin', own: [{ kind: 'tmpfs', target: '/tmp' }] }))
vi.mock('../../src/spec/system-layout.ts', () => ({ layoutOf: () => layout as SystemLayout }))

const tree = new HostTree()
const base = tree.directory('base')
const libraries = tree.directory('base/usr/lib')
const config = tree.file('base/etc/ld.conf')
const link = tree.link('base/lib', 'usr/lib')
const below = tree.link('base/etc/conf.d', '../usr')
const stateDirectory = tree.directory('state')
const other = tree.directory('other')
const ownLinks = [{ path: '/etc/localtime', target: '/usr/share/zoneinfo/UTC' }, ...(process.platform === 'linux' ? [{ path: '/etc/mtab', target: '/proc/self/mounts' }] : [])]

describe("toolchain 'host' shows the host's own layout", () => {
  layout.toolchain = [libraries, link, config, `${base}/absent`]

  it('directories and files as they are, links as links, and what the host lacks not at all', () => {
    const plan = planOf({ toolchain: 'host', stateDirectory })
    expect(plan.mounts.filter(({ kind }) => kind !== 'tmpfs').map(({ kind, target, writable, entry }) => [kind, target, writable, entry])).toEqual([
      ['file', config, false, 'toolchain'],
      ['bind', libraries, false, 'toolchain'],
    ])
    expect(plan.links).toEqual([{ path: link, target: 'usr/lib' }, ...ownLinks])
    expect(plan.directories).toContain(`${base}/etc`)
    expect(plan.directories).toContain(base)
    expect(plan.directories).not.toContain(link)
  })

  it('is what a spec without a toolchain gets', () => {
    expect(planOf({ stateDirectory })).toEqual(planOf({ toolchain: 'host', stateDirectory }))
  })

  it("'none' has nothing of it", () => {
    const plan = planOf({ toolchain: 'none', stateDirectory })
    expect(plan.mounts.map(({ target }) => target)).toEqual(['/tmp'])
    expect(plan.links).toEqual(ownLinks)
  })

  it('an input on, below or around a part of it is refused in the words of the spec', () => {
    const refused = (target: string): unknown => refusalOf(() => planOf({ stateDirectory, inputs: { [target]: other } }))
    expect(refused(libraries)).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_DUPLICATE', entry: `inputs.${libraries}` })
    expect(refused(link)).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_DUPLICATE', entry: `inputs.${link}` })
    expect(refused(`${libraries}/x`)).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', entry: `inputs.${libraries}/x` })
    expect(refused(`${link}/x`)).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', entry: `inputs.${link}/x` })
    expect(refused(`${base}/usr`)).toMatchObject({
      code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND',
      entry: `inputs.${base}/usr`,
      message: expect.stringContaining(`inputs.${base}/usr: ${libraries} (toolchain) lies below ${base}/usr (inputs.${base}/usr)`) as string,
    })
  })
})

it('settings of Java come with its virtual machines, by the names of these', () => {
  layout.toolchain = []
  layout.javaMachines = tree.directory('jvm')
  for (const name of ['java-17-openjdk-amd64', 'java-1.17.0-openjdk-amd64', 'other']) tree.directory(`jvm/${name}`)
  const asked: string[] = []
  const seen = answeredBy({ ...host(), lstatIfThere: (path) => void asked.push(path) }, () => hostParts(layout))
  expect(seen.parts).toEqual([])
  expect(asked).toEqual(['/etc/java-17-openjdk'])
  layout.javaMachines = tree.at('no-jvm')
  expect(hostParts(layout)).toEqual({ parts: [], links: [] })
})

it('LC_ALL is C.UTF-8 where the toolchain has that locale, and a spec may say another', () => {
  expect(planOf({ stateDirectory }).env['LC_ALL']).toBe('C')
  layout.locale = tree.at('C.utf8')
  expect(planOf({ stateDirectory }).env['LC_ALL']).toBe('C')
  tree.directory('C.utf8')
  expect(planOf({ stateDirectory }).env['LC_ALL']).toBe('C.UTF-8')
  expect(planOf({ stateDirectory, toolchain: 'none' }).env['LC_ALL']).toBe('C')
  expect(planOf({ stateDirectory, env: { LC_ALL: 'C' } }).env['LC_ALL']).toBe('C')
})

it('a link has the directory it is made in, also when nothing else is there', () => {
  layout.toolchain = [below]
  expect(planOf({ stateDirectory }).directories).toContain(`${base}/etc`)
})

it('a link of the host that would be made inside an input is refused: the input would hide it', () => {
  layout.toolchain = [below]
  expect(refusalOf(() => planOf({ stateDirectory, inputs: { [`${base}/etc`]: other } }))).toMatchObject({
    code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND',
    entry: `inputs.${base}/etc`,
  })
})
