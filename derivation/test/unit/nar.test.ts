import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, lstatSync, lutimesSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'

import { copyCanonical } from '../../src/canonical.ts'
import { contentOf } from '../../src/content.ts'
import { narOf } from '../../src/nar.ts'
import { useFolder } from './folder.ts'

const folder = useFolder()
let tree = ''

beforeEach(() => {
  tree = path.join(folder.path, 'd')
  for (const name of ['', 'sub', 'empty']) mkdirSync(path.join(tree, name))
  const files = { plain: 'plain\n', run: '#!/bin/sh\n', nothing: '', eight: '12345678', 'sub/ä': 'x', 'sub/B': 'a', 'sub/a': 'a' }
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(tree, name), content)
  chmodSync(path.join(tree, 'run'), 0o755)
  symlinkSync('nowhere', path.join(tree, 'link'))
})

// What `nix-store --dump` 2.26.3 gave for the same, and sha256sum(1) of that.
const known = {
  tree: '8a007ac89c4014aa1d05fb96d0fd1ac788e4f1100b68b86e01b34147d5ff65f5',
  plain: '5ac7ea73726edc6ad9ed7ab96d58f75ddab1974a9fb2071de8fd7084f5277366',
  run: '6283c1668260f903d1a895c0cd6b822fa4b68762bb0b17cedef2d39d97e26554',
  link: '7b9f62ebdcec359d917f7c425c687d4b6f451d886b160cb70a2f79adee6aa7db',
}
const hashOf = async (file: string): Promise<string> => (await contentOf(file, [])).narHash

describe('a NAR', () => {
  test('is what nix-store --dump writes: of a tree, a file, a program and a link', async () => {
    expect(await contentOf(tree, [])).toMatchObject({ narHash: known.tree, narSize: 2000 })
    for (const name of ['plain', 'run', 'link'] as const) expect(await hashOf(path.join(tree, name))).toBe(known[name])
  })

  test('comes in pieces, of a file that is larger than they are', async () => {
    truncateSync(path.join(tree, 'nothing'), 3_000_001)
    const sizes: number[] = []
    for await (const piece of narOf(path.join(tree, 'nothing'))) sizes.push(piece.length)
    expect(Math.max(...sizes)).toBeLessThan(1_000_000)
    expect(sizes.reduce((sum, size) => sum + size) % 8).toBe(0)
  })

  test('of a fifo is refused, and nobody waits for a writer', async () => {
    execFileSync('mkfifo', [path.join(tree, 'fifo')])
    await expect(hashOf(tree)).rejects.toThrow(/fifo is no file, folder or link/)
  })
})

describe('the canonical copy', () => {
  const copied = (name = ''): string => path.join(folder.path, 'copy', name)
  const modeOf = (file: string): string => (lstatSync(file).mode & 0o7777).toString(8)

  test('has the same NAR, and time 1, and modes 444 and 555', async () => {
    await copyCanonical(tree, copied())
    expect(await hashOf(copied())).toBe(known.tree)
    const modes = { '': '555', sub: '555', plain: '444', run: '555', 'sub/ä': '444' }
    for (const [name, mode] of Object.entries(modes)) expect([name, modeOf(copied(name))]).toEqual([name, mode])
    for (const name of ['', 'sub', 'empty', 'plain', 'run', 'link', 'sub/a']) expect([name, lstatSync(copied(name)).mtimeMs]).toEqual([name, 1000])
  })

  test('of a file that is larger than a piece is that file', async () => {
    const large = randomBytes(1_000_003)
    writeFileSync(path.join(tree, 'plain'), large)
    await copyCanonical(path.join(tree, 'plain'), copied())
    expect(readFileSync(copied()).equals(large)).toBe(true)
  })

  test('has no set-id bit, and no file of two names', async () => {
    for (const [name, mode] of [['run', 0o4755], ['plain', 0o4644], ['sub', 0o1777]] as const) chmodSync(path.join(tree, name), mode)
    linkSync(path.join(tree, 'plain'), path.join(tree, 'other'))
    await copyCanonical(tree, copied())
    expect(['run', 'plain', 'sub'].map((name) => modeOf(copied(name)))).toEqual(['555', '444', '555'])
    expect(lstatSync(copied('plain')).nlink).toBe(1)
  })

  test('of a link is a link: what it leads to is left alone', async () => {
    const victim = path.join(folder.path, 'victim')
    writeFileSync(victim, 'mine')
    chmodSync(victim, 0o640)
    symlinkSync(victim, path.join(folder.path, 'to'))
    lutimesSync(path.join(folder.path, 'to'), 5, 5)
    await copyCanonical(path.join(folder.path, 'to'), copied())
    expect(readlinkSync(copied())).toBe(victim)
    expect(lstatSync(copied()).mtimeMs).toBe(1000)
    expect([modeOf(victim), readFileSync(victim, 'utf8')]).toEqual(['640', 'mine'])
    expect(lstatSync(victim).mtimeMs).toBeGreaterThan(1000)
  })

  test('of a fifo is refused', async () => {
    execFileSync('mkfifo', [path.join(tree, 'fifo')])
    await expect(copyCanonical(tree, copied())).rejects.toThrow(/fifo is no file, folder or link/)
  })

  test('does not come over what is there', async () => {
    writeFileSync(copied(), 'there')
    await expect(copyCanonical(path.join(tree, 'plain'), copied())).rejects.toThrow('EEXIST')
    await expect(copyCanonical(tree, copied())).rejects.toThrow('EEXIST')
  })

  test.runIf(process.platform === 'linux')('keeps names that are no UTF-8', async () => {
    const name = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])])
    writeFileSync(name, 'x')
    await copyCanonical(tree, copied())
    expect(await hashOf(copied())).toBe(await hashOf(tree))
    expect(await hashOf(tree)).not.toBe(known.tree)
  })
})
