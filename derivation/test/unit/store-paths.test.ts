import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'

import { base32 } from '../../src/base32.ts'
import { sampleGraph } from '../sample.ts'
import { checkName, checkStoreDirectory, partsOf } from '../../src/store-path.ts'
import { storeIn, useFolder } from './folder.ts'

const folder = useFolder()
const digest = (algorithm: string): Buffer => createHash(algorithm).update('abc').digest()

test('base-32 is as nix-hash writes it', () => {
  expect(base32(digest('sha256'))).toBe('1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s')
  expect(base32(digest('sha1'))).toBe('kpcd173cq987hw957sx6m0868wv3x6d9')
  expect(base32(Buffer.alloc(0))).toBe('')
})

// What nix-instantiate 2.26.3 gave for test/session/derivation/sample.nix.
test('derivations and outputs have the paths that Nix gives them', async () => {
  const store = await storeIn(folder.path)
  const graph = await sampleGraph(store, 'x86_64-linux')
  const drvs = Object.values(graph).map((defined) => defined.path.slice(store.directory.length + 1))
  expect(drvs).toEqual([
    'i90hv2r2b64w7x337fix85897p2pqkvi-words.drv',
    'cr1lbaqk1wdz19z77vpdgkkw1979mphr-greet.drv',
    'nzjz9kf0hplfvjx7d31c4waicqv94xbx-link.drv',
    'p91jy7ki13nwj9jafjd6ag1k2gxs66q5-pair.drv',
    'dlq79dpwlihpx1y42r79gs4ks57cx5fh-flat.drv',
    'zrdyq3p2sifivgjljfcnb0y3in2l02jm-tree.drv',
    '6gp4c37jc1lrjqz5n0zlsmriyq883br7-report.drv',
  ])
  expect(graph.report.outputs).toEqual({ out: '/nix/store/vdfz15fxsasvbv9kk1vzyqbm3rjwz45z-report' })
  expect(graph.pair.outputs).toEqual({
    out: '/nix/store/aa26chgslcccrl9cy2kfnj99wnwyr97q-pair',
    doc: '/nix/store/ff26rdrzjqwa5w71hd55f868yywvbyfb-pair-doc',
  })
  expect(graph.tree.outputs).toEqual({ out: '/nix/store/ld1qsf0k3qwd9xxw3bpqr5adwzs8zzfh-tree' })
})

test('the directory of the store is a part of every hash', async () => {
  const there = await sampleGraph(await storeIn(folder.path, '/gnu/store'), 'x86_64-linux')
  expect(there.words.path).toMatch(/^\/gnu\/store\/\w{32}-words\.drv$/)
  expect(there.words.path).not.toContain('i90hv2r2b64w7x337fix85897p2pqkvi')
})

test.for(['', '.', '..', '../x', '..-x', '.-x', 'a/b', 'a b', 'a\n', 'ä', 'a'.repeat(212)])('%j is not the name of a store path', (name) => {
  expect(() => checkName(name)).toThrow('cannot be the name of a store path')
  expect(() => partsOf('/gnu/store', `/gnu/store/${'0'.repeat(32)}-${name}`)).toThrow('is no path of the store /gnu/store')
})

test.for([
  '/gnu/store', '/gnu/store/', '/gnu/store/x', `/gnu/store/${'e'.repeat(32)}-x`, `/gnu/store/${'0'.repeat(31)}-x`, `/gnu/store/../store/${'0'.repeat(32)}-x`,
  `/nix/store/${'0'.repeat(32)}-x`, `/gnu/store/${'0'.repeat(32)}-x/../../etc`,
])('%s is no path of a store', (path) => expect(() => partsOf('/gnu/store', path)).toThrow('is no path of the store'))

test.for(['gnu', '/', '/gnu/', '/gnu/../etc', '/gnu//store', '/.', '/a b'])('%s is not the directory of a store', (directory) => {
  expect(() => checkStoreDirectory(directory)).toThrow('cannot be the directory of a store')
})
