import { describe, expect, it } from 'vitest'

import { packPlan } from '../../src/native/wire-plan.ts'
import { bare, ownCopy, ownList } from '../../src/spec/plain-data.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { isPlan, planOf, type Plan } from '../../src/spec/plan.ts'
import type { Additions, Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { whilePolluted } from './polluted.ts'
import { refusalOf } from './refusal.ts'
import { planOnto } from './plan-onto.ts'

const tree = new HostTree()
const [source, other] = [tree.directory('source'), tree.directory('other')]
const stateDirectory = tree.directory('state')
const platform = { platform: 'linux' } as const
const planned = (spec: object): Plan => planOf({ toolchain: 'none', stateDirectory, ...spec }, platform)
const sourceOf = (plan: Plan, target: string): string | undefined => plan.mounts.find((mount) => mount.target === target)?.source

/** As `new Array(length)` is. */
const hollow = (length: number): unknown[] => Object.assign([], { length })

/** A property that is one value when it is read first, and another each time after. */
function changing(values: readonly unknown[]): PropertyDescriptor & { readonly reads: () => number } {
  let reads = 0
  return { enumerable: true, get: () => values[Math.min(reads++, values.length - 1)], reads: () => reads }
}

describe('a value that changes while it is looked at', () => {
  // promise: 3
  it('a user that is harmless when it is checked and root when it is used', () => {
    const user = changing([{ uid: 7, gid: 7 }, 'root'])
    const spec = Object.defineProperty({ toolchain: 'none', stateDirectory }, 'user', user) as Spec
    expect(planOf(spec, platform).user).toEqual({ uid: 7, gid: 7, groups: [] })
    expect(user.reads()).toBe(1)
  })

  it('a uid, a group, a source, a variable and a part of the toolchain likewise', () => {
    const uid = changing([7, 0])
    const group = changing([5, 0])
    const input = changing([source, '/'])
    const variable = changing(['a', 'b\0c'])
    const part = changing([source, '/'])
    const plan = planned({
      user: Object.defineProperty({ gid: 7, groups: Object.defineProperty([], 0, group) }, 'uid', uid),
      inputs: Object.defineProperty({}, 'src', input),
      env: Object.defineProperty({}, 'A', variable),
      toolchain: Object.defineProperty([], 0, part),
    })
    expect(plan.user).toEqual({ uid: 7, gid: 7, groups: [5] })
    expect([sourceOf(plan, '/inputs/src'), sourceOf(plan, source), plan.env['A']]).toEqual([source, source, 'a'])
    expect([uid, group, input, variable, part].map(({ reads }) => reads())).toEqual([1, 1, 1, 1, 1])
  })

  it('a proxy that counts is asked for each field once', () => {
    const asked: PropertyKey[] = []
    const counting = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (from, key, receiver) => {
          asked.push(key)
          return Reflect.get(from, key, receiver) as unknown
        },
      })
    planned({ inputs: counting({ a: source, b: other }), user: counting({ uid: 1, gid: 2 }), env: counting({ A: '1' }) })
    expect(asked.toSorted()).toEqual(['A', 'a', 'b', 'gid', 'uid'])
  })

  it('a getter that takes the other fields away does not have inherited ones read instead', () => {
    const inherited = { user: 'root' }
    const spec = Object.create(inherited, {
      name: { enumerable: true, get: () => Reflect.deleteProperty(spec, 'user') && 'x' },
      user: { enumerable: true, configurable: true, value: { uid: 7, gid: 7 } },
    }) as Spec
    expect(planOf(Object.assign(spec, { toolchain: 'none', stateDirectory }), platform).user).toEqual(planOf({ toolchain: 'none', stateDirectory }, platform).user)
  })

  it('what the caller does to the spec afterwards does not reach the plan', () => {
    const [inputs, groups, env, toolchain] = [{ src: source }, [5], { A: 'a' }, [source]]
    const plan = planned({ inputs, user: { uid: 1, gid: 1, groups }, env, toolchain })
    const before = JSON.stringify(plan)
    inputs.src = '/'
    env.A = 'b'
    groups.push(0)
    toolchain.push('/')
    expect(JSON.stringify(plan)).toBe(before)
  })

  it('an addition to a base is read once as well', () => {
    const input = changing([source, '/'])
    const plan = planOnto(planned({}), { inputs: Object.defineProperty({}, 'src', input) as Record<string, string> })
    expect([sourceOf(plan, '/inputs/src'), input.reads()]).toEqual([source, 1])
  })
})

describe('a field that is not the spec’s own', () => {
  it.each<[string, object]>([
    ['inherited from a prototype', Object.create({ user: 'root', network: 'host' }) as object],
    ['not enumerable', Object.defineProperties({}, { user: { value: 'root' }, network: { value: 'host' } })],
    ['under a symbol', { [Symbol('user')]: 'root', [Symbol.for('network')]: 'host' }],
    ['inherited from a class', new (class { get user(): string { return 'root' } get network(): string { return 'host' } })()],
  ])('%s changes nothing', (_how, spec) => {
    expect(planOf(Object.assign(spec, { toolchain: 'none', stateDirectory }) as Spec, platform)).toEqual(planned({}))
  })

  // promise: 3
  it('inherited or hidden sources, variables and groups change nothing either', () => {
    const plan = planned({
      inputs: Object.create({ src: source }),
      outputs: Object.defineProperty({}, 'out', { value: source }),
      env: Object.create({ LD_PRELOAD: 'x' }),
      user: Object.create({ groups: [0] }, { uid: { value: 7, enumerable: true }, gid: { value: 7, enumerable: true } }),
    })
    expect(plan).toEqual(planned({ user: { uid: 7, gid: 7 } }))
  })

  it('a uid that is only inherited is missing', () => {
    const user = Object.create({ uid: 7 }, { gid: { value: 7, enumerable: true } }) as object
    expect(refusalOf(() => planned({ user }))).toMatchObject({ entry: 'user.uid' })
  })

  it('a field named __proto__ is no field, and a variable of that name is one like any other', () => {
    expect(refusalOf(() => planned(JSON.parse('{"__proto__": {"user": "root"}}') as object))).toMatchObject({ entry: '__proto__' })
    expect(Object.entries(planned({ env: JSON.parse('{"__proto__": "x"}') as object }).env)).toContainEqual(['__proto__', 'x'])
    expect(sourceOf(planned({ inputs: JSON.parse(JSON.stringify({ ['__proto__']: 0 }).replace('0', JSON.stringify(source))) as object }), '/inputs/__proto__')).toBe(source)
  })
})

describe('a polluted Object.prototype', () => {
  const bad = {
    name: 'polluted', toolchain: 'host', inputs: { src: '/etc' }, output: '/etc', outputs: { out: '/etc' }, stores: { '/out': '/etc' }, limits: { tmpSize: 4096, memory: 4096, openFiles: 8, policy: 'best-effort' }, tmpSize: 4096, tmpFiles: 1, memory: 4096, swap: 0, processes: 1, cpus: 1, cpuTime: 1,
    openFiles: 8, fileSize: 1, wallTime: 1, policy: 'best-effort', sourceDateEpoch: 1, first: 1, count: 32,
    env: { A: 'polluted' }, path: ['/polluted'], tmpfs: { '/polluted': 4096 }, devices: ['/dev/polluted'], pass: ['PATH'], set: { A: 'polluted' }, optional: true, overlay: true, PATH: '/polluted', leftOut: [{ entry: 'polluted', path: '/polluted' }], cwd: '/polluted', keep: '/polluted', network: 'host', user: 'root', root: true, leased: { first: 1, count: 1 }, allow: ['keyring'], hostname: 'polluted', etc: 'none', ownership: 'build', stateDirectory: '/polluted', wait: 1, trace: true, platform: 'freebsd',
    groups: [0], uid: 0, gid: 0, source: '/etc', identity: { dev: '1', ino: '1' }, size: 1, writable: true, entry: 'polluted',
    version: 1, mounts: [], files: [], text: 'polluted',
  } as const
  const specs: readonly [string, Spec][] = [
    ['an empty spec', { toolchain: 'none', stateDirectory }],
    ['a spec with a bit of everything', { toolchain: 'none', stateDirectory, inputs: { src: source }, output: other, env: { A: 'a' }, user: { uid: 7, gid: 7 } }],
  ]

  it('names every field there is', () => {
    expect(Object.keys(bad)).toEqual(expect.arrayContaining([...fieldNames]))
  })

  it.each(specs)('changes nothing in the plan of %s, nor in what crosses of it', async (_what, spec) => {
    const clean = planOf(spec, platform)
    const [json, packed] = [JSON.stringify(clean), packPlan(clean)]
    const [jsonThen, packedThen] = await whilePolluted(bad, () => {
      const plan = planOf(spec, platform)
      return [JSON.stringify(plan), packPlan(plan)] as const
    })
    expect(jsonThen).toBe(json)
    expect(packedThen).toEqual(packed)
  })

  it.each(Object.keys(bad))('%s alone changes nothing', async (key) => {
    const clean = packPlan(planned({}))
    const spec: Spec = { toolchain: 'none', stateDirectory }
    expect(await whilePolluted({ [key]: bad[key as keyof typeof bad] }, () => packPlan(planOf(spec, platform)))).toEqual(clean)
  })

  it('changes nothing in what is added to a base', async () => {
    const base = planned({})
    const additions: Additions = { inputs: { src: source } }
    const clean = JSON.stringify(planOnto(base, additions))
    expect(await whilePolluted(bad, () => JSON.stringify(planOnto(base, additions)))).toBe(clean)
  })

  // Elsewhere there is no layout to plan for.
  it.skipIf(process.platform !== 'linux' && process.platform !== 'freebsd')('is not asked for the system to plan for', async () => {
    const spec: Spec = { toolchain: 'none', stateDirectory }
    const another = process.platform === 'linux' ? 'freebsd' : 'linux'
    expect(await whilePolluted({ platform: another }, () => planOf(spec, {}).platform)).toBe(process.platform)
  })

  it('is told nothing of a plan that is being made, and keeps nothing of it', async () => {
    const told: unknown[] = []
    const setters = Object.defineProperties({}, Object.fromEntries([...fieldNames, 'source', 'identity'].map((name) => [name, { set: (value: unknown) => void told.push(value), enumerable: true, configurable: true }])))
    const spec: Spec = { toolchain: 'none', stateDirectory, name: 'x', inputs: { src: source } }
    const clean = JSON.stringify(planOf(spec, platform))
    expect(await whilePolluted(setters as Record<string, unknown>, () => JSON.stringify(planOf(spec, platform)))).toBe(clean)
    expect(told).toEqual([])
  })

  it('does not make a plan of anything', async () => {
    expect(await whilePolluted(bad, () => [isPlan({}), isPlan([])])).toEqual([false, false])
  })
})

describe('a list with a hole, which one reader takes for zero and another for nothing', () => {
  it.each<[string, object, entry: string]>([
    ['new Array(1) as groups is not group 0', { user: { uid: 7, gid: 7, groups: hollow(1) } }, 'user.groups'],
    ['a hole after a group', { user: { uid: 7, gid: 7, groups: Object.assign([5], { length: 2 }) } }, 'user.groups'],
    ['a hole in the toolchain', { toolchain: hollow(2) }, 'toolchain'],
    ['a length and nothing else', { toolchain: hollow(2 ** 20) }, 'toolchain'],
  ])('%s', (_what, spec, entry) => {
    expect(refusalOf(() => planned(spec))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry })
  })

  it('nor is a hole filled by what Array.prototype has there', async () => {
    const lists = Object.getPrototypeOf([]) as Record<number, unknown>
    lists[0] = 0
    try {
      expect(refusalOf(() => planned({ user: { uid: 7, gid: 7, groups: hollow(1) } }))).toMatchObject({ entry: 'user.groups' })
    } finally {
      delete lists[0]
    }
  })
})

describe('a spec that cannot be read', () => {
  const throwing = (error: unknown): PropertyDescriptor => ({
    enumerable: true,
    get: () => {
      throw error
    },
  })
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }

  it.each<[string, () => object, entry: string]>([
    ['a getter that throws', () => Object.defineProperty({}, 'user', throwing(new Error('boom'))), 'spec'],
    ['a getter below that throws', () => ({ inputs: Object.defineProperty({}, 'src', throwing(new Error('boom'))) }), 'inputs'],
    ['one that throws no error', () => ({ env: Object.defineProperty({}, 'A', throwing(Object.create(null))) }), 'env'],
    ['a revoked proxy in it', () => ({ user: revoked() }), 'user'],
    ['a revoked proxy', revoked, 'spec'],
  ])('%s is refused by name', (_what, make, entry) => {
    expect(refusalOf(() => planOf(make() as Spec, platform))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry, message: expect.stringContaining('cannot be read') as string })
  })
})

describe('a plan is known by being ours', () => {
  const plan = planned({ inputs: { src: source } })
  const forged = (value: unknown): Spec => value as Spec

  it('only what planOf and planOnto returned is one', () => {
    expect([plan, planOnto(plan, {})].map(isPlan)).toEqual([true, true])
    const others = [{ ...plan }, structuredClone(plan), JSON.parse(JSON.stringify(plan)), Object.create(plan), new Proxy(plan, {}), undefined, null, 'plan', []]
    expect(others.filter(isPlan)).toEqual([])
  })

  // promise: 3
  it('its JSON, with another source or user written into it, is refused as a spec, in one sentence', () => {
    const json = JSON.parse(JSON.stringify(plan)) as { user: object; mounts: object[] }
    json.user = { uid: 0, gid: 0, groups: [] }
    json.mounts.push({ kind: 'bind', target: '/host', source: '/', writable: true, entry: 'inputs.host' })
    const refusal = refusalOf(() => planOf(forged(json), platform))
    expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'version' })
    expect(refusal.message).toContain('a plan cannot be copied or parsed back from JSON')
    expect(refusal.message).not.toMatch(/[.\n] /)
  })
})

describe('ownCopy, for options of any kind', () => {
  it('keeps values as they are, and only the object’s own enumerable fields', () => {
    const signal = AbortSignal.abort()
    const given = Object.defineProperty(Object.assign(Object.create({ timeout: 1 }) as object, { signal, [Symbol('x')]: 1 }), 'hidden', { value: 1 })
    const copy = ownCopy(given)
    expect(Object.entries(copy)).toEqual([['signal', signal]])
    expect((copy as { timeout?: number }).timeout).toBeUndefined()
    expect(Reflect.ownKeys(copy)).toEqual(['signal'])
  })

  it('a list keeps its elements, and one with a hole is none', () => {
    expect(ownList(['a', undefined, 'b'])).toEqual(['a', undefined, 'b'])
    expect(ownList(hollow(1))).toBeUndefined()
  })
})

it('a part of a plan that lacks a member has none, whatever all objects inherit', async () => {
  const part: { readonly a: number; readonly b?: number } = bare({ a: 1 })
  expect(await whilePolluted({ b: 2 }, () => part.b)).toBeUndefined()
  expect(Object.isFrozen(part)).toBe(true)
})
