import { describe, expect, it } from 'vitest'

import { UnsupportedError, typed } from '../../src/errors.ts'
import { packPlan, packRest } from '../../src/native/wire-plan.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import { planText } from '../../src/spec/plan-text.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { nativeFailure } from './native-failure.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { readPlan, readRest } from './wire-reader.ts'
import { planOnto } from './plan-onto.ts'

const tree = new HostTree()
const project = tree.directory('project')
const dist = tree.directory('project/dist')
const file = tree.file('project/Makefile')
const other = tree.directory('other')
const stateDirectory = tree.directory('state')

const planned = (spec: Spec, platform: 'linux' | 'freebsd' = 'linux'): Plan => planOf({ toolchain: 'none', etc: 'none', stateDirectory, ...spec }, { platform })
const overlay = (path: string): { path: string; overlay: true } => ({ path, overlay: true })

describe('an input that is an overlay', () => {
  it.each(['linux', 'freebsd'] as const)('is a mount that is written to, of a source that is not (%s)', (platform) => {
    const plan = planned({ inputs: { src: overlay(project) } }, platform)
    const kind = platform === 'freebsd' ? 'copy' : 'overlay'
    expect(plan.mounts.find((mount) => mount.kind === kind)).toMatchObject({ target: '/inputs/src', source: project, writable: true, entry: 'inputs.src' })
    expect(plan.mounts.find((mount) => mount.kind === kind)?.identity).toBeDefined()
    expect(planText(plan)).toMatch(new RegExp(String.raw`^ {2}${kind} +rw +/inputs/src +\S+project +inputs\.src$`, 'm'))
    expect(readPlan(packPlan(plan)).steps.find(({ target }) => target === '/inputs/src' )).toEqual({ is: 'directory', target: '/inputs/src', mode: 0o755 })
    expect(readPlan(packPlan(plan)).steps.at(-1)).toMatchObject({ is: 'bind', target: '/inputs/src', source: project, isFile: false, isWritable: false, ...(platform === 'freebsd' ? { isCopy: true } : { isOverlay: true }) })
  })

  it('is none where it says so, and may be optional', () => {
    expect(planned({ inputs: { src: { path: project, overlay: false } } })).toEqual(planned({ inputs: { src: project } }))
    const plan = planned({ inputs: { src: { path: tree.at('absent'), overlay: true, optional: true }, more: { ...overlay(other), optional: true } } })
    expect(plan.leftOut).toEqual([{ entry: 'inputs.src', path: tree.at('absent') }])
    expect(plan.mounts.find(({ kind }) => kind === 'overlay')).toMatchObject({ target: '/inputs/more' })
  })

  it('is of a folder, and of nothing but an input: refused in one sentence otherwise', () => {
    const refused = (spec: unknown): string => refusalOf(() => planned(spec as Spec)).message
    expect(refused({ inputs: { x: overlay(file) } })).toBe(`inputs.x: ${file} is not a directory, and an overlay is of a directory`)
    expect(refused({ inputs: { x: { path: project, overlay: 1 } } })).toBe('inputs.x.overlay: must be true or false')
    expect(refused({ inputs: { x: { path: project, overlays: true } } })).toBe('inputs.x.overlays: is not a field of a source; there are path, optional, overlay')
    expect(refused({ toolchain: [overlay(project)] })).toBe('toolchain[0].overlay: is for inputs: nothing else can be an overlay')
    expect(refused({ devices: [overlay('/dev/null')] })).toBe('devices[0].overlay: is for inputs: nothing else can be an overlay')
    for (const spec of [{ output: overlay(other) }, { outputs: { x: overlay(other) } }, { stores: { '/x': overlay(other) } }]) {
      expect(refused(spec)).toMatch(/^(output|outputs\.x|stores\.\/x): must be a path: what is written there is kept, and only an input can be optional or an overlay$/)
    }
  })

  it('is no output: its source may be shown twice, and written to in a part, but not around it', () => {
    expect(planned({ inputs: { a: overlay(project), b: overlay(project), c: project }, outputs: { dist } }).mounts.filter(({ kind }) => kind === 'overlay')).toHaveLength(2)
    expect(refusalOf(() => planned({ inputs: { a: overlay(project) }, output: project }))).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', entry: 'output' })
    expect(refusalOf(() => planned({ inputs: { a: overlay(dist) }, output: project }))).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', entry: 'output' })
  })

  it('may have others in it, which need no mount point there', () => {
    const plan = planned({ inputs: { '/w': overlay(project), '/w/new/deep': other, '/w/dist': overlay(other) } })
    expect(plan.directories).toEqual(['/dev', '/proc', '/tmp', '/w'])
    expect(refusalOf(() => planned({ inputs: { '/w': overlay(project), '/w/Makefile': other } }))).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND' })
  })

  it('can be added to a base, unless that has something in /tmp', () => {
    const base = planned({ inputs: { '/w': overlay(project) } })
    expect(readRest(packRest(planOnto(base, { inputs: { more: overlay(other) } }), base)).at(-1)).toMatchObject({ target: '/inputs/more', isOverlay: true })
    expect(refusalOf(() => planOnto(planned({ inputs: { '/tmp/a': other } }), { inputs: { more: overlay(project) } }))).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', entry: 'inputs.more', message: expect.stringContaining('the base has /tmp/a (inputs./tmp/a)') as string })
    expect(planOnto(planned({ inputs: { '/tmp/a': other } }), { inputs: { more: project } }).mounts.length).toBeGreaterThan(0)
  })

  it('that cannot be had is an error of its own, with the remedy', () => {
    const error = typed(nativeFailure({ step: 'overlay', code: 'ENOTSUP', syscall: 'mount', path: '/p', dest: '/inputs/src', detail: 'there is none', remedy: 'modprobe overlay' }))
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error).toMatchObject({ message: 'no overlay of /p at /inputs/src: there is none; remedy: modprobe overlay', remedy: 'modprobe overlay', path: '/p', dest: '/inputs/src', step: 'overlay' })
    expect(typed(nativeFailure({ step: 'overlay', code: 'ENOMEM', syscall: 'fsconfig' }))).toMatchObject({ code: 'ENOMEM', step: 'overlay' })
  })
})
