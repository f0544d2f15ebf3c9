import { describe, expect, it } from 'vitest'

import { filesDiff } from '../../src/recording/files-diff.ts'
import { useNames, type RecordedFiles, type RecordedUse } from '../../src/recording/seen-files.ts'

type Lists = Partial<Record<(typeof useNames)[number], readonly string[]>>

const files = (lists: Readonly<Record<string, Lists>>): RecordedFiles => ({
  entries: Object.entries(lists).map(([entry, uses]) => ({ entry, kind: entry === 'tmpfs' ? 'tmpfs' : 'bind', target: '', ...Object.fromEntries(useNames.map((name) => [name, { paths: uses[name] ?? [] }])) }) as unknown as RecordedUse),
  unused: [],
  lost: 0,
})

describe('what two runs looked up', () => {
  const before = files({ 'inputs.src': { read: ['/inputs/src/b', '/inputs/src/a'], missing: ['/inputs/src/none'] }, toolchain: { executed: ['/usr/bin/cc'] } })

  it('does not differ from itself, in whatever order', () => {
    expect(filesDiff(before, before)).toEqual([])
    expect(filesDiff(before, files({ toolchain: { executed: ['/usr/bin/cc'] }, 'inputs.src': { missing: ['/inputs/src/none'], read: ['/inputs/src/a', '/inputs/src/b'] } }))).toEqual([])
  })

  it('differs by path and by what was done there', () => {
    const after = files({ 'inputs.src': { read: ['/inputs/src/a'], written: ['/inputs/src/a'], looked: ['/inputs/src/b'] }, toolchain: { executed: ['/usr/bin/cc', '/usr/bin/ld'] } })
    const expected = [
      { entry: 'inputs.src', path: '/inputs/src/a', before: [], after: ['written'] },
      { entry: 'inputs.src', path: '/inputs/src/b', before: ['read'], after: ['looked'] },
      { entry: 'inputs.src', path: '/inputs/src/none', before: ['missing'], after: [] },
      { entry: 'toolchain', path: '/usr/bin/ld', before: [], after: ['executed'] },
    ]
    expect(filesDiff(before, after)).toEqual(expected)
    expect(filesDiff(after, before)).toEqual(expected.map((one) => ({ ...one, before: one.after, after: one.before })))
  })
  it('does not differ by files of its own /tmp, whose names a compiler draws by lot', () => {
    const compiled = (name: string): RecordedFiles => files({ tmpfs: { written: [`/tmp/${name}.o`], missing: [`/tmp/${name}.s`] }, toolchain: { executed: ['/usr/bin/cc'] } })
    expect(filesDiff(compiled('ccX1'), compiled('ccY2'))).toEqual([])
  })
})
