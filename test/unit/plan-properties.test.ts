import { chmodSync, lstatSync, realpathSync } from 'node:fs'
import path from 'node:path'

import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'

import { isBuildjailError } from '../../src/errors.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { Answers } from '../../src/spec/answers.ts'
import { answeredBy } from '../../src/spec/look.ts'
import { planOf, planOfChecked, type Plan } from '../../src/spec/plan.ts'
import type { AllowedNetwork } from '../../src/spec/fields/network.ts'
import { checkedSpec, type Spec } from '../../src/spec/spec.ts'
import { packPlan } from '../../src/native/wire-plan.ts'
import { answerTo } from './answer-to.ts'
import { HostTree } from './host-tree.ts'
import { readPlan } from './wire-reader.ts'
import { cases, timeout } from './fuzz-cases.ts'

const tree = new HostTree()
const stateDirectory = tree.directory('state/here')
const sources = {
  directories: ['one', 'two', 'one/inner', 'with space', 'one/a/b'].map((name) => tree.directory(name)),
  files: ['file', 'one/file', 'with space/a'].map((name) => tree.file(name)),
  links: [tree.link('to-one', 'one'), tree.link('to-file', 'one/file'), tree.link('one/up', '../two')],
  unfit: [
    '/',
    '/dev/null',
    tree.at('absent'),
    tree.link('to-root', '/'),
    tree.link('to-nothing', 'absent'),
    tree.at('state'),
    stateDirectory,
    tree.directory('state/here/session'),
    tree.link('to-state', 'state/here'),
  ],
}

// Few words, so that targets meet: the same, one below the other, or only alike at the beginning.
const word = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'inputs', 'output', 'tmp', 'dev')
const plainTarget = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `/${words.join('/')}`)
const crookedTarget = fc.tuple(plainTarget, fc.constantFrom('/', '/.', '/..', '/../x', '//x', '/./x')).map(([start, end]) => start + end)
const target = fc.oneof({ weight: 12, arbitrary: plainTarget }, { weight: 1, arbitrary: crookedTarget })
const name = fc.oneof({ weight: 9, arbitrary: word }, { weight: 1, arbitrary: fc.constantFrom('..', '.', '', 'a/b', 'x\0') })
const anyName = fc.oneof(fc.constant('/'), name, target)
const mostly = (good: readonly string[], odd: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const inputSource = mostly([...sources.directories, ...sources.files, ...sources.links], sources.unfit)
const outputSource = mostly(sources.directories, [...sources.unfit, ...sources.files, ...sources.links])

const label = fc.constantFrom('a', 'B', 'ö', 'x-1', '_y')
const hostOf = fc.oneof(
  fc.tuple(fc.constantFrom('', '*.'), label, label).map(([start, first, second]) => `${start}${first}.${second}.example`),
  fc.constantFrom('host', '10.1.2.3', '[2001:DB8::0:1]'),
)
const allowedHost = fc.oneof(
  { weight: 40, arbitrary: fc.tuple(hostOf, fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`) },
  { weight: 1, arbitrary: fc.constantFrom('a.example', 'a.example:0', '8.8:80', 'localhost:80', '*:443', 'a.example.:443') },
)
const allowedNetwork = fc.record({ allow: fc.array(allowedHost, { maxLength: 6 }), tlsNames: fc.boolean() }, { requiredKeys: ['allow'] })

const spec: fc.Arbitrary<Spec> = fc.record(
  {
    toolchain: fc.oneof(fc.constant('none' as const), fc.array(mostly([...sources.directories, ...sources.files], sources.unfit), { maxLength: 3 })),
    inputs: fc.dictionary(anyName, fc.oneof({ weight: 4, arbitrary: inputSource }, { weight: 1, arbitrary: outputSource.map((folder) => ({ path: folder, overlay: true })) }), { maxKeys: 4 }),
    output: outputSource,
    outputs: fc.dictionary(anyName, outputSource, { maxKeys: 2 }),
    stores: fc.dictionary(target, outputSource, { maxKeys: 1 }),
    cwd: target,
    limits: fc.record({ tmpSize: fc.integer({ min: 4096 }), memory: fc.integer({ min: 4096 }), openFiles: fc.integer({ min: 8, max: 2 ** 30 }) }, { requiredKeys: [] }),
    user: fc.oneof(
      fc.constant('root' as const),
      fc.record({ uid: fc.nat(3), gid: fc.nat(3), groups: fc.array(fc.nat(5), { maxLength: 3 }) }, { requiredKeys: ['uid', 'gid'] }),
    ),
    network: fc.oneof(fc.constantFrom('none' as const, 'loopback' as const, 'host' as const), allowedNetwork),
  },
  // The toolchain of the host is another for every host; host-toolchain.test.ts has one of its own.
  { requiredKeys: ['toolchain'] },
)

/** The nearest mount around a target. */
const outerOf = ({ target: inner }: { readonly target: string }, mounts: Plan['mounts']): Plan['mounts'][number] | undefined =>
  mounts.filter(({ target: outer }) => isBelow(inner, outer)).toSorted((a, b) => b.target.length - a.target.length)[0]

const isBelow = (inner: string, outer: string): boolean => inner.startsWith(`${outer}/`)
const isPlain = (text: string): boolean => /^(\/[^/\0]+)+$/.test(text) && !text.split('/').some((part) => part === '.' || part === '..')

const counted = { plans: 0, refusals: 0 }
afterAll(() => console.log(`${cases.numRuns} cases a rule: ${counted.plans} plans, ${counted.refusals} refusals`))

function planned(given: Spec): Plan | undefined {
  return plannedAsIs({ ...given, stateDirectory })
}

function plannedAsIs(given: Spec): Plan | undefined {
  try {
    const plan = planOf(given, { platform: 'linux' })
    counted.plans++
    return plan
  } catch (error) {
    counted.refusals++
    // Anything but a typed refusal that names an entry is a bug, and fails the property.
    if (isBuildjailError(error) && error.entry !== undefined && error.step === 'plan') return undefined
    throw error
  }
}

describe('whatever a spec says, a plan that comes of it keeps the rules', { timeout }, () => {
  it('and not all specs are refused, nor all taken', () => {
    const taken = fc.sample(spec, { numRuns: 500, seed: 1 }).filter((given) => planned(given) !== undefined)
    expect(taken.length).toBeGreaterThan(50)
    expect(taken.length).toBeLessThan(450)
  })

  // promise: 2
  it('targets are absolute, normal and unique', () => {
    holds((plan) => {
      const targets = plan.mounts.map((mount) => mount.target)
      expect(targets.filter((one) => !isPlain(one))).toEqual([])
      expect(new Set(targets).size).toBe(targets.length)
      expect(plan.cwd.startsWith('/') && !plan.cwd.includes('..')).toBe(true)
    })
  })

  // promise: 2
  it('what lies below a mount is in our own /tmp, or has a mount point there that no link leads to, or can be made one', () => {
    let nested = 0
    holds(({ mounts }) => {
      for (const inner of mounts) {
        const outer = outerOf(inner, mounts)
        if (outer === undefined || outer.kind === 'tmpfs') continue
        expect(['bind', 'store', 'overlay']).toContain(outer.kind)
        expect(['bind', 'store', 'overlay', 'file']).toContain(inner.kind)
        nested += 1
        let at = outer.source ?? ''
        for (const component of inner.target.slice(outer.target.length + 1).split('/')) {
          at = path.join(at, component)
          const found = lstatSync(at, { throwIfNoEntry: false })
          if (found === undefined) {
            expect(outer.writable).toBe(true)
            break
          }
          const isLast = inner.target === path.join(outer.target, path.relative(outer.source ?? '', at))
          expect(isLast && inner.kind === 'file' ? found.isFile() : found.isDirectory()).toBe(true)
        }
      }
    })
    // Of a hundred plans none may have any.
    if (cases.numRuns >= 1000) expect(nested).toBeGreaterThan(0)
  })

  // promise: 2
  it('no source is the host, or shows the state directory or lies in it', () => {
    holds(({ mounts }) => {
      for (const { source } of mounts) {
        if (source === undefined) continue
        expect(path.isAbsolute(source)).toBe(true)
        expect(source).not.toBe('/')
        expect(source === stateDirectory || isBelow(source, stateDirectory) || isBelow(stateDirectory, source)).toBe(false)
      }
    })
  })

  it('only outputs are writable, and each of them once', () => {
    holds(({ mounts }) => {
      const writable = mounts.filter((mount) => mount.source !== undefined && mount.writable && mount.kind !== 'overlay')
      expect(mounts.filter(({ kind, entry }) => kind === 'overlay' && !entry.startsWith('inputs.'))).toEqual([])
      expect(writable.filter(({ entry, kind }) => (kind === 'store' ? !entry.startsWith('stores.') : !entry.startsWith('output') || kind !== 'bind'))).toEqual([])
      expect(new Set(writable.map(({ source }) => source)).size).toBe(writable.length)
    })
  })

  // promise: 15
  it('no output is the source of an input, or lies around another source', () => {
    holds(({ mounts }) => {
      for (const output of mounts) {
        if (output.source === undefined || !output.writable || output.kind === 'overlay') continue
        const others = mounts.flatMap((mount) => (mount === output || mount.source === undefined ? [] : [mount.source]))
        expect(others.filter((source) => source === output.source || isBelow(source, output.source ?? ''))).toEqual([])
      }
    })
  })

  it('all that was asked for is in it, and nothing else', () => {
    holds(({ mounts }, given) => {
      const asked = [
        ...Object.keys(given.inputs ?? {}).map((key) => `inputs.${key}`),
        ...(given.output === undefined ? [] : ['output']),
        ...Object.keys(given.outputs ?? {}).map((key) => `outputs.${key}`),
        ...Object.keys(given.stores ?? {}).map((key) => `stores.${key}`),
      ]
      const ofHost = given.network === 'host' ? ['network', 'etc'] : typeof given.network === 'object' ? ['etc'] : []
      const ofTmp = asked.includes('outputs./tmp') ? [] : ['tmpfs']
      const isOfToolchain = (entry: string): boolean => entry.startsWith('toolchain[')
      expect(mounts.flatMap(({ entry }) => (isOfToolchain(entry) || ofHost.includes(entry) ? [] : [entry])).toSorted()).toEqual([...asked, 'dev', 'proc', ...ofTmp].toSorted())
      // Each of its own, or in another part.
      const parts = mounts.filter(({ entry }) => isOfToolchain(entry))
      for (const listed of (given.toolchain === 'none' ? [] : given.toolchain ?? []) as readonly string[]) {
        expect(parts.some(({ target: at }) => listed === at || isBelow(listed, at))).toBe(true)
      }
      expect(parts.map(({ target: at, entry }) => (given.toolchain as readonly string[])[Number(/\d+/.exec(entry)?.[0])] === at).includes(false)).toBe(false)
    })
  })

  // promise: 22
  it('root is only who asked by name', () => {
    holds(({ user }, given) => expect(user?.uid === 0).toBe(given.user === 'root'))
  })

  it('a network has the names that were asked for, as they are looked up and in one order, and crosses as it is', () => {
    let named = 0
    holds((plan, given) => {
      const { names } = readPlan(packPlan(plan))
      if (typeof given.network !== 'object' || !('allow' in given.network)) return expect(names).toBeUndefined()
      const { allow, tlsNames } = plan.network as AllowedNetwork
      expect(allow).toEqual([...new Set(allow)].toSorted())
      for (const one of allow) expect(one).toMatch(/^[a-z0-9_*.[\]:-]+:\d+$/)
      const lookedUp = given.network.allow.map((one) => one.toLowerCase().replaceAll('ö', 'xn--nda').replace('[2001:db8::0:1]', '[2001:db8::1]'))
      expect(new Set(allow)).toEqual(new Set(lookedUp))
      expect(tlsNames).toBe(given.network.tlsNames ?? true)
      const texts = names?.allow.map(([kind, one, port]) => [`${one}:${port}`, `*.${one}:${port}`, `${one.includes(':') ? `[${one}]` : one}:${port}`, `host:${port}`][kind])
      expect(names?.allow.every(([kind, one]) => (kind === 2) === /^[\d.]+$|:/.test(one))).toBe(true)
      expect(texts).toEqual(allow)
      expect(names?.tlsNames).toBe(tlsNames === true ? 1 : 0)
      named += allow.length
    })
    expect(named).toBeGreaterThan(cases.numRuns / 20)
  })

  it('carried out in the order in which it crosses, every step finds the directory it needs', () => {
    holds((plan) => {
      const directories = new Set(['/'])
      const files = new Set<string>()
      const mounted = new Set<string>()
      for (const step of readPlan(packPlan(plan)).steps) {
        const { is, target: at } = step
        if (is === 'directory' || is === 'file' || is === 'text' || is === 'link') {
          expect(directories).toContain(path.posix.dirname(at))
          expect(directories).not.toContain(at)
          expect(files).not.toContain(at)
          if (is === 'directory') directories.add(at)
          else files.add(at)
        } else {
          const outer = outerOf(step, plan.mounts)
          // Its mount point is in what is mounted there by now.
          if (outer !== undefined && outer.kind !== 'tmpfs') expect(mounted).toContain(outer.target)
          else expect(is === 'bind' && step.isFile ? files : directories).toContain(at)
          mounted.add(at)
        }
      }
    })
  })

  it('it does not depend on the order of the spec', () => {
    holds((plan, given) => {
      const turned = Object.fromEntries(
        Object.entries(given)
          .toReversed()
          .map(([key, value]) => [key, isRecord(value) ? Object.fromEntries(Object.entries(value).toReversed()) : value]),
      )
      expect(planned(turned)).toEqual(plan)
    })
  })
})

describe('a plan by answers that were fetched', { timeout }, () => {
  const outcomeOf = (plan: () => Plan): unknown => {
    try {
      return JSON.stringify(plan())
    } catch (error) {
      if (isBuildjailError(error)) return [error.code, error.entry, error.path, error.message]
      throw error
    }
  }
  const asked: string[] = []
  const fetched = async (own: Spec, platform: 'freebsd' | 'linux' = 'linux'): Promise<unknown> => {
    asked.length = 0
    const answers = new Answers(async (questions) => {
      asked.push(...questions.split('\0'))
      return questions.split('\0').map(answerTo).join('\0')
    })
    for (;;) {
      await answers.fetch()
      const outcome = answeredBy(answers, () => outcomeOf(() => planOfChecked(own, platform)))
      if (answers.isComplete) return outcome
    }
  }

  it('is the one that is made on the spot, or refused for the same', async () => {
    await fc.assert(
      fc.asyncProperty(spec, async (given) => {
        let own: Spec
        try {
          own = checkedSpec({ ...given, stateDirectory })
        } catch {
          return
        }
        expect(await fetched(own)).toEqual(outcomeOf(() => planOfChecked(own, 'linux')))
      }),
      cases,
    )
  })

  it.skipIf(process.geteuid?.() !== 0)('is refused for a shut folder of too many files before there is a look at each', async () => {
    const shut = tree.directory('shut')
    for (let count = 0; count < 600; count++) tree.file(`shut/${count}`)
    chmodSync(shut, 0o700)
    const own = checkedSpec({ toolchain: 'none', inputs: { shut }, stateDirectory })
    expect(await fetched(own, 'freebsd')).toContain('ERR_BUILDJAIL_SOURCE_UNFIT')
    expect(asked.length).toBeLessThan(600)
  })
})

describe('what is no spec at all', { timeout }, () => {
  const junk = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  })
  // A field that is read as it should not be shows only where the other fields let it come to that.
  const spoilt = fc.tuple(spec, fc.constantFrom(...fieldNames), junk).map(([given, field, value]) => ({ ...given, [field]: value }))
  const spoiltInside = fc
    .tuple(spec, fc.constantFrom('inputs', 'outputs', 'stores', 'env', 'user'), anyName, junk)
    .map(([given, field, key, value]) => ({ ...given, [field]: { [key]: value } }))

  it('is refused by the name of the field, and never by a mistake of ours', () => {
    fc.assert(
      fc.property(fc.oneof(junk, spoilt, spoiltInside), (given) => {
        // What is given as a spec from JavaScript may be anything.
        const plan = plannedAsIs(given as Spec)
        if (plan !== undefined) expect(() => packPlan(plan)).not.toThrow()
      }),
      cases,
    )
  })
})

describe('what breaks no rule is not refused', () => {
  it('separate targets, fit sources', () => {
    const roots = fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9_ äß-]{1,12}$/), { minLength: 1, maxLength: 6 })
    const fitting = fc.constantFrom(...sources.directories, ...sources.files, ...sources.links)
    fc.assert(
      // The output is the source of nothing else.
      fc.property(roots, fc.array(fitting.filter((one) => realpathSync(one) !== tree.at('two')), { minLength: 6, maxLength: 6 }), (names, from) => {
        const inputs = Object.fromEntries(names.map((one, index) => [one, from[index] ?? '']))
        const plan = planOf({ toolchain: 'none', inputs, output: tree.at('two'), stateDirectory }, { platform: 'freebsd' })
        expect(plan.mounts).toHaveLength(names.length + 3)
      }),
      { numRuns: 500 },
    )
  })
})

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function holds(rule: (plan: Plan, given: Spec) => void): void {
  fc.assert(
    fc.property(spec, (given) => {
      const plan = planned(given)
      if (plan !== undefined) rule(plan, given)
    }),
    cases,
  )
}
