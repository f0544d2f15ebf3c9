import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { mostEntries } from '../../src/learning/narrowed.ts'
import { narrowedToolchain, type NarrowedTool } from '../../src/learning/narrowed-toolchain.ts'
import { toolchainOf, usedToolchain } from '../../src/learning/used-tree.ts'
import type { TracedFile } from '../../src/native/trace.ts'
import type { Link, Plan } from '../../src/spec/plan.ts'

let top = ''
const at = (name: string): string => path.join(top, name)
beforeEach(() => {
  top = realpathSync(mkdtempSync(path.join(tmpdir(), 'narrowed-')))
  for (const name of ['usr/bin/gcc-14', 'usr/lib/libc.so', 'usr/lib/gcc/cc1', 'usr/share/doc/unread', 'alternatives/other']) {
    mkdirSync(path.dirname(at(name)), { recursive: true })
    writeFileSync(at(name), '')
  }
  symlinkSync('usr/lib', at('lib'))
  symlinkSync(at('alternatives/cc'), at('usr/bin/cc'))
  symlinkSync(at('usr/bin/gcc-14'), at('alternatives/cc'))
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

type Use = TracedFile['firstUse']

const seen = (name: string, ...uses: readonly [Use, ...Use[]]): TracedFile => ({ path: at(name), first: 'found', firstUse: uses[0], found: ['found'], uses, count: 1, programs: [] })

function learned(files: readonly TracedFile[], shown: readonly string[] = ['usr', 'alternatives'], links: readonly Link[] = []): Record<string, NarrowedTool['reason']> {
  const mounts = shown.map((name, index) => ({ target: at(name), source: at(name), entry: `toolchain[${index}]` }))
  const plan = { mounts: [...mounts, { target: at('other'), entry: 'tmpfs' }], links, cwd: '/' } as unknown as Plan
  const tools = narrowedToolchain(usedToolchain({ files, programs: [], processes: [], processesLeftOut: 0, lost: 0 }, plan), toolchainOf(plan))
  return Object.fromEntries(tools.map(({ path: one, reason }) => [path.relative(top, one), reason]))
}

it('are the files that were found, and none that was written: a toolchain is read-only', () => {
  const written: TracedFile = { ...seen('usr/lib/gcc/made', 'write'), first: 'refused', found: ['refused'] }
  expect(learned([seen('usr/lib/libc.so', 'read'), seen('usr/lib/gcc/cc1', 'execute'), { ...seen('usr/none', 'look'), first: 'missing', found: ['missing'] }, written])).toEqual({ 'usr/lib/gcc/cc1': undefined, 'usr/lib/libc.so': undefined })
})

it('are each folder of a link on the way, and what it leads to', () => {
  expect(learned([seen('usr/bin/cc', 'execute')])).toEqual({ alternatives: 'link', 'usr/bin': 'link' })
})

it('are by where the links of the root lead', () => {
  expect(learned([seen('lib/libc.so', 'read')], ['usr'], [{ path: at('lib'), target: 'usr/lib' }])).toEqual({ 'usr/lib/libc.so': undefined })
})

it('are whole folders that were listed or only looked at', () => {
  expect(learned([seen('usr/lib', 'list'), seen('usr/share/doc', 'look')])).toEqual({ 'usr/lib': 'listed', 'usr/share/doc': 'looked' })
})

it('are whole folders of which many entries would be listed', () => {
  const many = Array.from({ length: mostEntries + 1 }, (_, index) => `usr/lib/${index}`)
  for (const name of many) writeFileSync(at(name), '')
  expect(learned(many.map((name) => seen(name, 'read')))).toEqual({ 'usr/lib': 'many' })
})

it('are not the folder around many parts that the command was shown', () => {
  const many = Array.from({ length: mostEntries + 1 }, (_, index) => `home/${index}`)
  mkdirSync(at('home'))
  for (const name of many) writeFileSync(at(name), '')
  expect(Object.keys(learned(many.map((name) => seen(name, 'read')), many))).toEqual(many.toSorted())
})

it('are not the folder of a file that the command was shown alone, though others cannot read it', () => {
  chmodSync(at('usr/lib/libc.so'), 0o600)
  expect(learned([seen('usr/lib/libc.so', 'read')], ['usr/lib/libc.so'])).toEqual({ 'usr/lib/libc.so': undefined })
})
