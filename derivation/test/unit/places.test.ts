import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { writeDerivation } from '../../src/aterm.ts'
import { placeOf, usualFolder } from '../../src/place.ts'
import { useFolder } from './folder.ts'

const folder = useFolder()
const out = `/nix/store/${'0'.repeat(32)}-x`
const text = writeDerivation({ outputs: new Map([['out', { path: out, method: '', hash: '' }]]), inputDrvs: new Map(), inputSrcs: [], system: 's', builder: '/b', args: [], env: new Map() })

test('the usual folder is that of the directory that a derivation lies in: no copy of a store is taken for the store', async () => {
  const places = ['a-b/c', 'a/b-c', 'a/b/c', 'a%2Db/c', 'a--b', 'a/-b', 'a-/b'].map((name) => path.join(folder.path, name))
  const usual = new Set<string>()
  for (const place of places) {
    mkdirSync(place, { recursive: true })
    const file = path.join(place, `${'0'.repeat(32)}-x.drv`)
    writeFileSync(file, text)
    const found = await placeOf(file)
    expect(found).toEqual({ from: place, directory: '/nix/store', drv: `${out}.drv` })
    usual.add(usualFolder(found))
  }
  expect(usual.size).toBe(places.length)
  expect(path.basename(usualFolder({ from: '/nix/store', directory: '/nix/store', drv: '' }))).toBe('nix-store')
})

test('a file that is no derivation is named', async () => {
  const file = path.join(folder.path, 'note.drv')
  writeFileSync(file, 'a note')
  await expect(placeOf(file)).rejects.toThrow(`${file}: it ends where Derive( should be, at character 0`)
})
