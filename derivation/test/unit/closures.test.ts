import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'

import { Closure } from '../../src/closure.ts'
import { Definitions } from '../define.ts'
import type { Store } from '../../src/store.ts'
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
