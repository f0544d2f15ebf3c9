import { describe, expect, it, vi } from 'vitest'

import { packPlan } from '../../src/native/wire-plan.ts'
import { planOf, planOnto, type Mount, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { readPlan } from './wire-reader.ts'

const mib = 1024 ** 2
vi.spyOn(process, 'constrainedMemory').mockReturnValue(1024 * mib)

const tree = new HostTree()
const stateDirectory = tree.directory('state')
const planned = (spec: Spec, platform: 'linux' | 'freebsd' = 'linux'): Plan => planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform })
const at = (plan: Plan, target: string): Mount | undefined => plan.mounts.find((mount) => mount.target === target)

describe.each(['linux', 'freebsd'] as const)('more file systems in memory on %s', (platform) => {
  it('have the size that is asked for, and a bound of files as /tmp has', () => {
    const plan = planned({ tmpfs: { '/var/tmp': '64M', '/scratch': 8192 } }, platform)
    expect(at(plan, '/var/tmp')).toEqual({ kind: 'tmpfs', target: '/var/tmp', writable: true, size: 64 * mib, files: 64 * 256, entry: 'tmpfs./var/tmp' })
    expect(at(plan, '/scratch')).toMatchObject({ size: 8192, files: 1024 })
    expect(plan.directories).toEqual(expect.arrayContaining(['/var', '/var/tmp', '/scratch']))
  })

  it('cross with both bounds, each after the directory that it covers, which everybody may write to', () => {
    const { steps } = readPlan(packPlan(planned({ tmpfs: { '/var/tmp': 4096 } }, platform)))
    const [directory, mount] = steps.filter(({ target }) => target === '/var/tmp')
    expect([directory, mount]).toMatchObject([{ is: 'directory', mode: 0o1777 }, { is: 'tmpfs', size: 4096n, files: 1024n }])
  })
})

describe('all of them and /tmp', () => {
  const all = (plan: Plan): number => plan.mounts.reduce((sum, { size = 0 }) => sum + size, 0)

  it('take half of the memory at most: what is not asked for is less', () => {
    const plan = planned({ tmpfs: { '/a': 300 * mib, '/b': 200 * mib } })
    expect(at(plan, '/tmp')?.size).toBe(12 * mib)
    expect(all(plan)).toBe(512 * mib)
    expect(all(planned({ tmpfs: { '/a': mib }, limits: { memory: 4 * mib } }))).toBe(2 * mib)
  })

  // promise: 45
  it('are refused where they are more', () => {
    for (const spec of [{ tmpfs: { '/a': 512 * mib } }, { tmpfs: { '/a': 2 * mib }, limits: { memory: 4 * mib } }, { tmpfs: { '/a': 100 * mib }, limits: { tmpSize: 500 * mib } }]) {
      expect(refusalOf(() => planned(spec))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'tmpfs', message: expect.stringMatching(/more than half of the memory, \d+ bytes/) as string })
    }
    expect(() => planned({ tmpfs: { '/a': 12 * mib }, limits: { tmpSize: 500 * mib } })).not.toThrow()
  })
})

describe('an output in the place of /tmp', () => {
  const outputs = { '/tmp': tree.directory('tmp') }

  it('is the only mount there', () => {
    expect(planned({ outputs }).mounts.filter(({ target }) => target === '/tmp')).toMatchObject([{ kind: 'bind', writable: true, source: outputs['/tmp'] }])
  })

  // promise: 45
  it.each<[Spec, entry: string]>([
    [{ limits: { memory: 64 * mib } }, 'limits.memory'],
    [{ limits: { tmpSize: mib } }, 'limits.tmpSize'],
    [{ limits: { tmpFiles: 9 } }, 'limits.tmpFiles'],
    [{ inputs: { '/w': { path: tree.directory('w'), overlay: true } } }, 'inputs./w'],
  ])('is refused together with what needs the memory of /tmp: %j', (more, entry) => {
    expect(refusalOf(() => planned({ outputs, ...more }))).toMatchObject({ entry, message: expect.stringContaining('because /tmp is an output (outputs./tmp)') as string })
  })

  it('is not added to a base, which has its own', () => {
    expect(refusalOf(() => planOnto(planned({}), { outputs })).message).toContain('/tmp is the target of tmpfs too')
  })
})

describe('a file system in memory is refused', () => {
  it.each<[string, Spec, entry: string, message: string]>([
    ['over /tmp', { tmpfs: { '/tmp': mib } }, 'tmpfs./tmp', 'is in every session; its size is limits.tmpSize'],
    ['over the devices', { tmpfs: { '/dev/shm': mib } }, 'tmpfs./dev/shm', 'lies below /dev'],
    ['at a path that could lead elsewhere', { tmpfs: { '/a/../b': mib } }, 'tmpfs./a/../b', 'is not a normalised path'],
    ['on the root', { tmpfs: { '/': mib } }, 'tmpfs./', 'not'],
    ['at a relative path', { tmpfs: { a: mib } }, 'tmpfs.a', 'must be an absolute path inside'],
    ['of less than a page', { tmpfs: { '/a': 4095 } }, 'tmpfs./a', 'must be bytes, as a whole number from 4096'],
    ['of a size without a unit', { tmpfs: { '/a': '64' } }, 'tmpfs./a', 'has no unit'],
    ['of which there are too many', { tmpfs: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`/${index}`, 4096])) }, 'tmpfs', 'holds more than 16'],
  ])('%s', (_what, spec, entry, message) => {
    expect(refusalOf(() => planned(spec))).toMatchObject({ entry, message: expect.stringContaining(message) as string })
  })
})
