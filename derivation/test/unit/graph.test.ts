import { setTimeout } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'

import { writeDerivation, type Derivation } from '../../src/aterm.ts'
import { derivationPath } from '../../src/check.ts'
import { Definitions, type Defined } from '../define.ts'
import { attributesOf } from '../../src/attributes.ts'
import { handedTo, type Places } from '../../src/environment.ts'
import { Graph, type Node } from '../../src/graph.ts'
import { refuseCycles } from '../../src/outputs.ts'
import type { Store } from '../../src/store.ts'
import { storeIn, useFolder } from './folder.ts'

const folder = useFolder()
let store: Store
let define: (name: string, inputs?: readonly Defined[]) => Promise<Defined>

beforeEach(async () => {
  store = await storeIn(folder.path)
  const definitions = new Definitions(store)
  define = (name, inputs = []) => definitions.define({ name, system: 's', builder: '/b', inputs })
})

const valid = { narHash: '', narSize: 0, references: [] }
const registered = (node: Node): Promise<void> =>
  store.register([...node.derivation.outputs.values()].map(({ path }) => [path, valid] as const))

describe('a graph', () => {
  test('is realised each after its inputs and once, and what needs nothing of each other at the same time', async () => {
    const bottom = await define('bottom')
    const [left, right] = [await define('left', [bottom]), await define('right', [bottom])]
    const top = await define('top', [left, right])
    const events: string[] = []
    const graph = new Graph(store, async (node) => {
      events.push(`+${node.name}`)
      await setTimeout(20)
      await registered(node)
      events.push(`-${node.name}`)
    })
    const realised = await graph.realise([top.path, left.path])
    expect(realised.get(top.path)?.get('out')).toBe(top.outputs['out'])
    expect(events).toEqual(['+bottom', '-bottom', '+left', '+right', '-left', '-right', '+top', '-top'])
    // Nor once more by another program.
    await new Graph(store, () => Promise.reject(new Error('built'))).realise([top.path])
  })

  test('of which one fails: what needs that is not begun, all else is, and the failure is told once', async () => {
    const bad = await define('bad')
    const [above, beside] = [await define('above', [bad]), await define('beside')]
    const begun: string[] = []
    const graph = new Graph(store, async (node) => {
      begun.push(node.name)
      if (node.name === 'bad') throw new Error('it is bad')
      await setTimeout(20)
      await registered(node)
    })
    await expect(graph.realise([above.path, bad.path, beside.path])).rejects.toThrow(/^it is bad$/)
    expect(begun).toEqual(['bad', 'beside'])
    expect(store.query(beside.outputs['out'] ?? '')).toBeDefined()
  })

  test.for([
    ['one builds it', '', ['+fetched', '-fetched', '+from', '-from', 'fulfilled']],
    ['the other builds it if the first fails', 'one', ['+fetched', '-fetched', '+fetched', '-fetched', '+from', '-from', 'rejected']],
  ] as const)('in which two have the same output, and what is built from them too: %s', async ([, bad, expected]) => {
    const definitions = new Definitions(store)
    const from = async (url: string): Promise<Defined> => {
      const fetched = await definitions.define({ name: 'fetched', system: 's', builder: '/b', env: { url }, fixed: { method: 'sha256', hash: '00'.repeat(32) } })
      return definitions.define({ name: 'from', system: 's', builder: '/b', inputs: [fetched] })
    }
    const [one, two] = [await from('one'), await from('two')]
    expect([two.outputs, two.path === one.path]).toEqual([one.outputs, false])
    const events: string[] = []
    const graph = new Graph(store, async (node) => {
      events.push(`+${node.name}`)
      await setTimeout(20)
      events.push(`-${node.name}`)
      if (node.derivation.env.get('url') === bad) throw new Error('it is bad')
      await registered(node)
    })
    const [{ status }] = await Promise.allSettled([graph.realise([one.path, two.path])])
    expect([...events, status]).toEqual(expected)
  })

  test('whose inputs are realised: it is over when nothing is being built any more, also if one failed', async () => {
    const [bad, slow] = [await define('bad'), await define('slow')]
    const top = await define('top', [bad, slow])
    let running = 0
    const graph = new Graph(store, async (node) => {
      running += 1
      if (node.name === 'slow') await setTimeout(50)
      running -= 1
      if (node.name === 'bad') throw new Error('it is bad')
      await registered(node)
    })
    await expect(graph.realiseInputs(await graph.load(top.path))).rejects.toThrow(/^it is bad$/)
    expect(running).toBe(0)
  })

  const never = (): Promise<never> => Promise.reject(new Error('it was built'))
  const sample = (out: string): Parameters<typeof writeDerivation>[0] => ({
    outputs: new Map([['out', { path: out, method: '', hash: '' }]]), inputDrvs: new Map(), inputSrcs: [], system: 's', builder: '/b', args: [], env: new Map([['out', out]]),
  })
  const added = (derivation: Parameters<typeof writeDerivation>[0]): Promise<string> => store.addText('x.drv', writeDerivation(derivation), [...derivation.inputSrcs])

  test('with an output at another path than the one of its making is refused', async () => {
    const out = `/nix/store/${'0'.repeat(32)}-x`
    const path = await added(sample(out))
    await expect(new Graph(store, never).realise([path])).rejects.toThrow(new RegExp(`its output out has to be /nix/store/\\w{32}-x, and not ${out}`))
  })

  test('whose inputs are not in the store is refused, before anything is built', async () => {
    const missing = `/nix/store/${'0'.repeat(32)}-missing`
    for (const more of [{ inputSrcs: [missing] }, { inputDrvs: new Map([[`${missing}.drv`, ['out']]]) }]) {
      const derivation = { ...sample(`/nix/store/${'1'.repeat(32)}-x`), ...more }
      const path = derivationPath('/nix/store', 'x', derivation)
      const others = { directory: '/nix/store', query: (asked: string) => (asked === path ? valid : undefined), read: async () => Buffer.from(writeDerivation(derivation)) }
      await expect(new Graph(others, never).realise([path])).rejects.toThrow(`${path}: its input ${missing}`)
    }
  })

  test('that wants an output that its input does not have is refused', async () => {
    const input = await define('input')
    const derivation = { ...sample(`/nix/store/${'0'.repeat(32)}-x`), inputDrvs: new Map([[input.path, ['doc']]]) }
    const path = await store.addText('x.drv', writeDerivation(derivation), [input.path])
    await expect(new Graph(store, never).realise([path])).rejects.toThrow(`its input ${input.path} has no output doc`)
  })

  test('whose text is not that of its path, as in a circle, is refused', async () => {
    const [one, two] = ['1', '2'].map((digit) => `/nix/store/${digit.repeat(32)}-x.drv`) as [string, string]
    const text = (input: string): Buffer => Buffer.from(writeDerivation({ ...sample(`/nix/store/${'0'.repeat(32)}-x`), inputDrvs: new Map([[input, ['out']]]) }))
    const tampered = { directory: '/nix/store', query: () => valid, read: async (path: string) => text(path === one ? two : one) }
    await expect(new Graph(tampered, never).realise([one])).rejects.toThrow(`${one}: its text is that of another path`)
  })
})

test('outputs that refer to each other in a circle are refused, and to themselves or in a row are not', () => {
  const entries = (references: Readonly<Record<string, readonly string[]>>) =>
    new Map(Object.entries(references).map(([path, all]) => [path, { narHash: '', narSize: 0, references: all }]))
  refuseCycles(entries({ a: ['a', 'b', 'x'], b: ['c'], c: ['c'] }))
  expect(() => refuseCycles(entries({ a: ['b'], b: ['c'], c: ['a'], d: [] }))).toThrow('its outputs refer to each other in a circle: a b c')
})

test('a builder has the daemon’s environment: what the derivation says goes over what is only a default', async () => {
  const node = await new Graph(store, async () => {}).load((await define('x')).path)
  const builderEnvironment = (own: Derivation, ...more: [Places, NodeJS.ProcessEnv]): unknown => handedTo(own, attributesOf(own), () => [], ...more).env
  const places = { storeDirectory: '/gnu/store', buildDirectory: '/build', cores: 3 }
  const { derivation } = node
  const defaults = { LC_ALL: undefined, PATH: '/path-not-set', HOME: '/homeless-shelter', NIX_STORE: '/gnu/store', NIX_BUILD_CORES: '3', NIX_BUILD_TOP: '/build', TMPDIR: '/build', TEMPDIR: '/build',
    TMP: '/build', TEMP: '/build', PWD: '/build', NIX_LOG_FD: '2', TERM: 'xterm-256color' }
  const host = { http_proxy: 'proxy', SECRET: 'secret' }
  expect(builderEnvironment(derivation, places, host)).toEqual({ ...defaults, name: 'x', system: 's', builder: '/b', out: derivation.env.get('out') })
  const more = new Map([...derivation.env, ['PATH', '/p'], ['TMPDIR', '/t'], ['impureEnvVars', 'http_proxy all_proxy constructor']])
  expect(builderEnvironment({ ...derivation, env: more }, places, host)).toMatchObject({ PATH: '/p', TMPDIR: '/build' })
  expect(builderEnvironment({ ...derivation, env: more }, places, host)).not.toHaveProperty('http_proxy')
  const outputs = new Map([['out', { path: '', method: 'sha256', hash: 'ab' }]])
  expect(builderEnvironment({ ...derivation, outputs, env: more }, places, host)).toMatchObject({ http_proxy: 'proxy', all_proxy: '', constructor: '', NIX_OUTPUT_CHECKED: '1' })
})
