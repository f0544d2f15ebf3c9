import { chmodSync, closeSync, existsSync, linkSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { contentOf } from '../../src/content.ts'
import { Registry } from '../../src/registry.ts'
import { removeTree } from '../../src/remove.ts'
import { Store } from '../../src/store.ts'
import { storeIn, useFolder } from './folder.ts'

const folder = useFolder()
const entries = (): string[] => readdirSync(path.join(folder.path, 'nix', 'store'))
const entry = { narHash: '00', narSize: 1, references: [] }

describe('a store', () => {
  test('has what was added to it, also when it is opened again', async () => {
    const store = await storeIn(folder.path)
    const one = await store.addText('one', 'text', [])
    const two = await store.addText('two', `refers to ${one}`, [one])
    // As `nix-store --add` names it.
    writeFileSync(path.join(folder.path, 'file'), 'content')
    const file = await store.addFiles('file', path.join(folder.path, 'file'))
    const again = await storeIn(folder.path)
    expect([...again.closure([two])].sort()).toEqual([one, two].sort())
    expect(again.query(file)).toMatchObject({ narSize: 120, references: [] })
    expect(String(await again.read(two))).toBe(`refers to ${one}`)
    expect(readdirSync(path.join(folder.path, 'nix', 'building'))).toEqual([])
  })

  test('takes away what is not registered, and what was being built, when it is opened', async () => {
    const store = await storeIn(folder.path)
    const kept = await store.addText('kept', 'text', [])
    const base = `${'0'.repeat(32)}-half`
    mkdirSync(path.join(folder.path, 'nix', 'store', base))
    writeFileSync(path.join(folder.path, 'nix', 'store', base, 'part'), '')
    chmodSync(path.join(folder.path, 'nix', 'store', base), 0o555)
    await store.newFolder()
    writeFileSync(path.join(folder.path, 'nix', 'registry.json.next'), '{ "version": 1, "pa')
    const again = await storeIn(folder.path)
    expect(entries()).toEqual([path.basename(kept)])
    expect(readdirSync(path.join(folder.path, 'nix', 'building'))).toEqual([])
    expect(again.query(kept)).toBeDefined()
  })

  test('has nothing that who still has a builder’s file open can write to', async () => {
    const store = await storeIn(folder.path)
    const [made, storePath] = [path.join(folder.path, 'made'), `/nix/store/${'0'.repeat(32)}-x`]
    mkdirSync(made)
    const open = openSync(path.join(made, 'file'), 'w+')
    writeSync(open, 'as it was')
    linkSync(path.join(made, 'file'), path.join(folder.path, 'other'))
    await store.register([[storePath, await store.bringIn(storePath, made, [])]])
    writeSync(open, ' changed')
    writeFileSync(path.join(folder.path, 'other'), 'changed')
    closeSync(open)
    expect(readFileSync(path.join(store.onHost(storePath), 'file'), 'utf8')).toBe('as it was')
    expect((await contentOf(store.onHost(storePath), [])).narHash).toBe(store.query(storePath)?.narHash)
  })

  test('gives nothing that is not valid', async () => {
    const store = await storeIn(folder.path)
    const missing = `/nix/store/${'0'.repeat(32)}-missing`
    expect(() => store.closure([missing])).toThrow(`${missing} is not in the store`)
    expect(() => store.read(missing)).toThrow('is not in the store')
    await expect(store.addText('x', 'text', [missing])).rejects.toThrow('is not in the store')
    expect(() => store.onHost('/nix/store/../../etc/passwd')).toThrow('is no path of the store')
  })

  test('is not opened where another program has it', async () => {
    const lock = async (): Promise<never> => {
      throw new Error('held')
    }
    await expect(Store.open({ folder: path.join(folder.path, 'nix'), directory: '/nix/store' }, lock)).rejects.toThrow('held')
  })
})

test('a tree is removed however deep it is, and without following its links', async () => {
  const [victim, tree] = ['victim', 'tree'].map((name) => path.join(folder.path, name)) as [string, string]
  mkdirSync(victim)
  writeFileSync(path.join(victim, 'mine'), '')
  let inner = path.join(folder.path, 'inner')
  mkdirSync(inner)
  for (let depth = 0; depth < 40; depth += 1) {
    // From the inside to the outside, as no path is that long.
    const outer = path.join(folder.path, `${depth}`.padEnd(200, '-'))
    mkdirSync(outer)
    symlinkSync(victim, path.join(outer, 'link'))
    writeFileSync(path.join(outer, 'file'), '')
    renameSync(inner, path.join(outer, 'x'.repeat(200)))
    inner = outer
  }
  renameSync(inner, tree)
  chmodSync(tree, 0o555)
  await removeTree(tree)
  await removeTree(tree)
  symlinkSync(victim, tree)
  await removeTree(tree)
  expect(readdirSync(folder.path)).toEqual(['victim'])
  expect(readdirSync(victim)).toEqual(['mine'])
})

describe('the registry', () => {
  const file = (): string => path.join(folder.path, 'registry.json')

  test('keeps what comes at once, one after the other', async () => {
    const registry = await Registry.read(file())
    const names = Array.from({ length: 20 }, (_, index) => `/nix/store/${index}`)
    await Promise.all(names.map((name) => registry.add([[name, entry]])))
    expect((await Registry.read(file())).paths.sort()).toEqual(names.sort())
  })

  test('has all that belongs together or nothing of it: it never holds what could not be written', async () => {
    const registry = await Registry.read(file())
    await registry.add([['/nix/store/a', entry]])
    mkdirSync(`${file()}.next`)
    await expect(registry.add([['/nix/store/b', entry], ['/nix/store/c', entry]])).rejects.toThrow('EISDIR')
    expect(registry.paths).toEqual(['/nix/store/a'])
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ version: 1, paths: { '/nix/store/a': entry } })
  })

  test.for(['', '{', '{"version": 2, "paths": {}}', 'null'])('is not taken for empty where it is %j', async (text) => {
    writeFileSync(file(), text)
    await expect(Registry.read(file())).rejects.toThrow(/registry/)
    expect(existsSync(file())).toBe(true)
  })
})
