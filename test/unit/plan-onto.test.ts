import { describe, expect, it } from 'vitest'

import { planOf } from '../../src/spec/plan.ts'
import type { Additions, Spec } from '../../src/spec/spec.ts'
import { packBase, packRest } from '../../src/native/wire-plan.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { readPlan, readRest } from './wire-reader.ts'
import { planOnto } from './plan-onto.ts'

const tree = new HostTree()
const source = tree.directory('source')
const output = tree.directory('output')
const file = tree.file('file')
const platform = { platform: 'linux' } as const

const base: Spec = { toolchain: 'none', inputs: { base: source }, env: { A: 'base', B: 'base' }, sourceDateEpoch: 5, name: 'n' }

describe('a plan made onto another', () => {
  it.each<[string, Additions]>([
    ['nothing', {}],
    ['an input and an output', { inputs: { a: source }, output }],
    ['a file, a target of its own and a place to work in', { inputs: { one: file, '/opt/sdk': source }, cwd: '/opt/sdk' }],
    ['outputs by name', { outputs: { logs: output } }],
    ['a file in /etc that a base has by default', { inputs: { '/etc/hosts': file } }],
    ['variables', { env: { B: 'own', C: 'own' }, sourceDateEpoch: 7 }],
  ])('with %s is the plan of both specs together', (_, additions) => {
    const merged: Spec = {
      ...base,
      ...additions,
      inputs: { ...base.inputs, ...additions.inputs },
      env: { ...base.env, ...additions.env },
    }
    expect(planOnto(planOf(base, platform), additions)).toEqual(planOf(merged, platform))
  })

  it('is refused as that would be, and the entry is the one that was added', () => {
    const onto = (additions: Additions): unknown => refusalOf(() => planOnto(planOf(base, platform), additions))
    expect(onto({ inputs: { base: source } })).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_DUPLICATE', entry: 'inputs.base' })
    expect(onto({ inputs: { '/inputs/base/below': source } })).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND' })
    expect(onto({ output, outputs: { again: output } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE' })
    expect(onto({ inputs: { gone: '/no/such/source' } })).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'inputs.gone' })
  })

  it('is refused where it would change what the base has settled', () => {
    const settled: Required<Omit<Spec, keyof Additions>> = {
      name: 'other',
      toolchain: 'host',
      tmpfs: { '/var/tmp': 4096 },
      devices: ['/dev/null'],
      network: 'host',
      user: 'root',
      allow: ['keyring'],
      ownership: 'build',
      hostname: 'other',
      etc: 'none',
      stateDirectory: '/other',
      wait: 1,
      trace: true,
    }
    for (const [field, value] of Object.entries(settled)) {
      const addition: object = { [field]: value }
      expect(refusalOf(() => planOnto(planOf(base, platform), addition))).toMatchObject({ entry: field, message: `${field}: cannot be added: it is settled by the base` })
    }
  })
})

describe('what is packed of a base and of its rest', () => {
  it('is together what a whole plan has, and says of the base that it is one', () => {
    const planned = planOf(base, platform)
    const whole = planOnto(planned, { inputs: { a: source, one: file }, output })
    const packed = readPlan(packBase(planned))
    const rest = readRest(packRest(whole, planned))
    expect(packed.isBase).toBe(true)
    expect(rest.map(({ is, target }) => `${is} ${target}`)).toEqual([
      'directory /inputs/a',
      'directory /output',
      'file /inputs/one',
      'bind /inputs/a',
      'bind /inputs/one',
      'bind /output',
    ])
    const targets = new Set([...packed.steps, ...rest].map(({ target }) => target))
    expect(targets).toEqual(new Set([...whole.directories, ...whole.mounts.map(({ target }) => target), ...[...whole.links, ...whole.files].map((one) => one.path)]))
  })
})
