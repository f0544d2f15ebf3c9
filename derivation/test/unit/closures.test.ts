import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'

import { Closure } from '../../src/closure.ts'
import { Definitions, outOf } from '../define.ts'
import type { Store } from '../../src/store.ts'
import { contentAddress, fixedOutputPath, sha256 } from '../../src/store-path.ts'
import { storeIn, useFolder } from './folder.ts'

const folder = useFolder()
let other: Store
let own: Store
let definitions: Definitions
beforeEach(async () => {
  for (const name of ['other', 'own']) mkdirSync(path.join(folder.path, name))
  other = await storeIn(path.join(folder.path, 'other'))
  own = await storeIn(path.join(folder.path, 'own'))
  definitions = new Definitions(other)
})
const there = (): string => path.join(folder.path, 'other', 'nix', 'store')
const basic = { system: 's', builder: '/b' }

test('what Nix leaves beside an entry is not taken for it, and a name that is almost one of an entry is passed over', async () => {
  const dep = await other.addText('dep', 'text')
  const source = await other.addText('source', `has ${dep}`, [dep])
  const { path: drv } = await definitions.define({ ...basic, name: 'x', sources: [source] })
  for (const end of ['.check', '.drv.chroot', '.lock']) writeFileSync(path.join(there(), path.basename(dep) + end), '')
  writeFileSync(path.join(there(), `${'t'.padEnd(32, 'e')}-note`), '')
  await (await Closure.open(own, there())).bringDerivation(drv)
  expect(own.query(source)).toEqual(other.query(source))
  expect(own.query(dep)).toEqual(other.query(dep))
})

describe('what is brought refers to no more than it does in the other store:', () => {
  const bring = async (...sources: readonly string[]): Promise<void> => {
    const { path: drv } = await definitions.define({ ...basic, name: 'x', sources })
    await (await Closure.open(own, there())).bringDerivation(drv)
  }
  const expectTheSame = (...paths: readonly string[]): void => {
    for (const storePath of paths) expect([storePath, own.query(storePath)]).toEqual([storePath, other.query(storePath)])
  }

  test('a text and a file that mention a path, a text that refers to one, and a text that does both', async () => {
    const [dep, mentioned] = [await other.addText('dep', 'text'), await other.addText('mentioned', 'text')]
    writeFileSync(path.join(folder.path, 'file'), `mentions ${dep}`)
    const sources = [await other.addText('mentions', `mentions ${dep}`), await other.addFiles('file', path.join(folder.path, 'file')), await other.addText('refers', `has ${dep}`, [dep]), await other.addText('both', dep + mentioned, [dep])].sort()
    await bring(...sources)
    expectTheSame(dep, ...sources)
    expect(own.query(mentioned)).toBeUndefined()
  })

  test('a file of a known hash, which mentions a path', async () => {
    const dep = await other.addText('dep', 'text')
    const text = `mentions ${dep}`
    const source = fixedOutputPath('/nix/store', 'file', 'sha256', sha256(text))
    writeFileSync(path.join(there(), path.basename(source)), text)
    await other.register([[source, await other.measure(other.onHost(source), [])]])
    await bring(source)
    expect(own.query(source)).toMatchObject({ references: [], ca: contentAddress('fixed:sha256', sha256(text)) })
    expect(own.query(dep)).toBeUndefined()
  })

  test('a derivation that is a source, whatever paths are in its variables', async () => {
    const [dep, mentioned] = [await other.addText('dep', 'text'), await other.addText('mentioned', 'text')]
    const { path: inner } = await definitions.define({ ...basic, name: 'inner', sources: [dep] })
    const { path: source } = await definitions.define({ ...basic, name: 'source', sources: [dep], env: { mentioned, inner } })
    const text = await other.addText('named.drv', `no derivation, and has ${dep}`, [dep])
    await bring(...[source, text].sort())
    expectTheSame(dep, source, text)
    expect([own.query(mentioned), own.query(inner)]).toEqual([undefined, undefined])
  })

  test('an output that mentions what is in no closure of its derivation', async () => {
    const [dep, stranger] = [await other.addText('dep', 'text'), await other.addText('stranger', 'text')]
    const input = await definitions.define({ ...basic, name: 'input', sources: [dep] })
    const gone = await definitions.define({ ...basic, name: 'gone' })
    const middle = await definitions.define({ ...basic, name: 'middle', inputs: [input, gone] })
    for (const [one, text] of [[input, dep], [middle, [dep, outOf(input), stranger, outOf(gone)].join()]] as const) writeFileSync(path.join(there(), path.basename(outOf(one))), text)
    const top = await definitions.define({ ...basic, name: 'top', inputs: [middle] })
    await (await Closure.open(own, there())).bringDerivation(top.path)
    expect(own.query(outOf(middle))).toMatchObject({ references: [dep, outOf(input)].sort(), deriver: middle.path })
    expect(own.query(stranger)).toBeUndefined()
  })
})

test('outputs there that refer to each other in a circle are refused, as those that are built', async () => {
  const pair = await definitions.define({ ...basic, name: 'pair', outputs: ['doc', 'out'] })
  const doc = pair.outputs['doc'] ?? ''
  writeFileSync(path.join(there(), path.basename(doc)), outOf(pair))
  writeFileSync(path.join(there(), path.basename(outOf(pair))), doc)
  const top = await definitions.define({ ...basic, name: 'top', inputs: [pair] })
  const bringing = (await Closure.open(own, there())).bringDerivation(top.path)
  await expect(bringing).rejects.toThrow(`${pair.path}: its outputs refer to each other in a circle: ${doc} ${outOf(pair)}`)
  expect([own.query(doc), own.query(outOf(pair))]).toEqual([undefined, undefined])
})
