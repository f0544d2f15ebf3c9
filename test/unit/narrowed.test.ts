import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { mostEntries, mostUnused, narrowed, type NarrowedInput } from '../../src/learning/narrowed.ts'
import { usedTree } from '../../src/learning/used-tree.ts'
import type { Trace, TracedFile } from '../../src/native/trace.ts'
import type { Plan } from '../../src/spec/plan.ts'

let project = ''
beforeEach(() => {
  project = mkdtempSync(path.join(tmpdir(), 'narrowed-'))
  chmodSync(project, 0o755)
  for (const name of ['a', 'src/one', 'src/two', 'src/deep/three', 'docs/x', 'out/old']) {
    mkdirSync(path.dirname(path.join(project, name)), { recursive: true })
    writeFileSync(path.join(project, name), '')
  }
})
afterEach(() => rmSync(project, { recursive: true, force: true }))

type Use = TracedFile['firstUse']

const seen = (name: string, ...uses: readonly [Use, ...Use[]]): TracedFile => ({ path: path.join(project, name), first: 'found', firstUse: uses[0], found: ['found'], uses, count: 1, programs: [] })
const missing = (name: string, ...uses: readonly [Use, ...Use[]]): TracedFile => ({ ...seen(name, ...uses), first: 'missing', found: ['missing'] })

function learned(files: readonly TracedFile[], { cwd = '/', kept = [] as readonly string[], hidden = [] as readonly string[] } = {}): Record<string, Omit<NarrowedInput, 'path' | 'isFolder' | 'found'>> {
  const mounts = [{ target: project }, ...hidden.map((name) => ({ target: path.join(project, name) }))]
  const plan = { mounts, cwd } as unknown as Plan
  const trace: Trace = { files, programs: [], processes: [], processesLeftOut: 0, lost: 0 }
  const outputs = kept.map((name) => path.join(project, name))
  return Object.fromEntries(narrowed(usedTree(trace, plan, project, outputs), outputs).map(({ path: one, isFolder: _isFolder, found: _found, ...rest }) => [path.relative(project, one), rest]))
}

const file = { isOverlay: false, unused: [] }

describe('what is left of a project', () => {
  it('are the files that were found, and nothing that was missing', () => {
    expect(learned([seen('src/one', 'read'), seen('src/deep/three', 'look'), missing('src/none', 'read')])).toEqual({ 'src/one': file, 'src/deep/three': file })
  })

  it('is a whole folder that was listed, without folders in it that were not looked into', () => {
    expect(learned([seen('', 'list'), seen('src/one', 'read')])).toEqual({ '': { isOverlay: false, reason: 'listed', unused: ['docs', 'out', 'src/deep'] } })
  })

  it.each<[string, () => TracedFile]>([
    ['made', () => missing('src/new', 'write')],
    ['made in a folder that was made', () => missing('src/new/deep/file', 'write')],
    ['changed or removed', () => seen('src/one', 'write')],
    ['refused to be changed', () => ({ ...seen('src/one', 'write'), first: 'refused', found: ['refused'] })],
  ])('is an overlay of the folder in which something was %s', (_, written) => {
    expect(learned([written()])).toEqual({ src: { isOverlay: true, reason: 'written', unused: ['deep'] } })
  })

  it('is an overlay if that is only of a folder in it', () => {
    expect(learned([seen('', 'list'), missing('src/deep/new', 'write')])).toEqual({ '': { isOverlay: true, reason: 'listed', unused: ['docs', 'out'] } })
  })

  it('is a whole folder where its entries would be too many', () => {
    for (let index = 0; index <= mostEntries; index += 1) writeFileSync(path.join(project, `docs/${index}`), '')
    const files = Array.from({ length: mostEntries + 1 }, (_, index) => seen(`docs/${index}`, 'read'))
    expect(Object.keys(learned(files.slice(1)))).toHaveLength(mostEntries)
    expect(learned(files)).toEqual({ docs: { isOverlay: false, reason: 'many', unused: [] } })
  })

  it('is a link with its folder, and what it leads to; nothing outside of the project', () => {
    symlinkSync('../src', path.join(project, 'docs/link'))
    symlinkSync('/etc/passwd', path.join(project, 'docs/out'))
    symlinkSync('loop', path.join(project, 'out/loop'))
    expect(learned([seen('docs/link/one', 'read')])).toEqual({ docs: { isOverlay: false, reason: 'link', unused: [] }, 'src/one': file })
    expect(learned([seen('docs/out', 'read')])).toEqual({ docs: { isOverlay: false, reason: 'link', unused: [] } })
    expect(learned([seen('out/loop', 'look')])).toEqual({ out: { isOverlay: false, reason: 'link', unused: [] } })
  })

  it('is an overlay of a folder with a file that is shut to the build user', () => {
    chmodSync(path.join(project, 'src/one'), 0o600)
    expect(learned([seen('src/one', 'read')])).toEqual({ src: { isOverlay: true, reason: 'shut', unused: ['deep'] } })
  })

  it('is no file that was excluded, which it saw empty', () => {
    expect(learned([seen('src/one', 'read')], { hidden: ['src/one'] })).toEqual({ src: { isOverlay: false, reason: 'hidden', unused: ['deep'] } })
  })

  it('has the working directory, and nothing of outputs, which are not excluded either', () => {
    expect(learned([], { cwd: path.join(project, 'docs') })).toEqual({ docs: { isOverlay: false, reason: 'looked', isEmpty: true, unused: [] } })
    expect(learned([seen('', 'list'), seen('out/old', 'read'), missing('out/new', 'write')], { kept: ['out'] })).toEqual({ '': { isOverlay: false, reason: 'listed', unused: ['docs', 'src'] } })
  })

  it('excludes no folder whose name is a pattern, and says if there are too many', () => {
    mkdirSync(path.join(project, 'docs/a*'))
    expect(learned([seen('docs', 'list')])).toEqual({ docs: { isOverlay: false, reason: 'listed', unused: [] } })
    for (let index = 0; index <= mostUnused; index += 1) mkdirSync(path.join(project, `docs/${index}`))
    const { docs } = learned([seen('docs', 'list')])
    expect([docs?.unused.length, docs?.hasMoreUnused]).toEqual([mostUnused, true])
  })
})
