import { describe, expect, it } from 'vitest'

import type { Trace, TracedFile } from '../../src/native/trace.ts'
import { filesOf, programsOf, useNames, type RecordedFiles, type RecordedUse } from '../../src/recording/seen-files.ts'
import type { Mount, Plan } from '../../src/spec/plan.ts'

const mounts: readonly Mount[] = [
  { kind: 'bind', target: '/usr', source: '/usr', writable: false, entry: 'toolchain' },
  { kind: 'bind', target: '/inputs/src', source: '/home/src', writable: false, entry: 'inputs.src' },
  { kind: 'file', target: '/inputs/src/empty', source: '/state/empty/file', writable: false, entry: 'inputs.src.exclude[0]' },
  { kind: 'bind', target: '/inputs/docs', source: '/home/docs', writable: false, entry: 'inputs.docs' },
  { kind: 'bind', target: '/output', source: '/home/out', writable: true, entry: 'output' },
  { kind: 'tmpfs', target: '/tmp', writable: true, entry: 'tmpfs' },
]
const plan = { mounts, links: [{ path: '/lib', target: 'usr/lib' }] } as unknown as Plan

const seen = (path: string, use: TracedFile['firstUse'], first: TracedFile['first'] = 'found', more: Partial<TracedFile> = {}): TracedFile => ({ path, first, firstUse: use, found: [first], uses: [use], count: 1, programs: [], ...more })
const traceOf = (...files: TracedFile[]): Trace => ({ files, programs: [], processes: [], processesLeftOut: 0, lost: 0 })
/** The lists that are not empty, by the target of their entry. */
const lookedUpIn = ({ entries }: RecordedFiles): readonly RecordedUse[] => entries.filter((use) => useNames.some((name) => use[name].paths.length > 0))
const lists = (trace: Trace): unknown =>
  Object.fromEntries(lookedUpIn(filesOf(trace, plan)).map((use) => [use.target, Object.fromEntries(useNames.filter((name) => use[name].paths.length > 0).map((name) => [name, use[name].paths]))]))

describe('the files of a record', () => {
  it('are by the entry that shows them, the innermost one', () => {
    const trace = traceOf(seen('/inputs/src/a.c', 'read'), seen('/inputs/src/empty', 'read'), seen('/inputs/srcs', 'look', 'missing'), seen('/usr/bin/cc', 'execute'), seen('/tmp/x', 'write', 'missing'))
    expect(lists(trace)).toEqual({
      '/usr': { executed: ['/usr/bin/cc'] },
      '/inputs/src': { read: ['/inputs/src/a.c'] },
      '/inputs/src/empty': { read: ['/inputs/src/empty'] },
      '/tmp': { written: ['/tmp/x'] },
      '': { missing: ['/inputs/srcs'] },
    })
  })

  it('say of each path all that was done, and of what the build made itself only that', () => {
    const trace = traceOf(
      seen('/inputs/src', 'look', 'found', { uses: ['look', 'list'] }),
      seen('/inputs/src/x', 'look', 'found'),
      seen('/inputs/src/key', 'read', 'refused'),
      seen('/inputs/src/kept', 'write', 'refused', { found: ['found', 'refused'], uses: ['read', 'write'] }),
      seen('/output/a.o', 'write', 'missing', { found: ['found', 'missing'], uses: ['read', 'write'] }),
      seen('/output/stamp', 'look', 'missing', { found: ['found', 'missing'], uses: ['look', 'write'] }),
    )
    expect(lists(trace)).toEqual({
      '/inputs/src': { listed: ['/inputs/src'], looked: ['/inputs/src/x'], read: ['/inputs/src/kept'], refused: ['/inputs/src/key', '/inputs/src/kept'], written: ['/inputs/src/kept'] },
      '/output': { missing: ['/output/stamp'], written: ['/output/a.o', '/output/stamp'] },
    })
  })

  it('say of what was there before the build wrote it that it was: an earlier run may have left it', () => {
    const trace = traceOf(seen('/output/log', 'write'), seen('/output/db', 'read', 'found', { uses: ['read', 'write'] }), seen('/output/new', 'write', 'missing'))
    expect(lists(trace)).toEqual({ '/output': { written: ['/output/log', '/output/db', '/output/new'], looked: ['/output/log'], read: ['/output/db'] } })
  })

  it('have what is excluded without its source, beside the input around it', () => {
    const { entries, unused } = filesOf(traceOf(seen('/inputs/src/empty', 'read')), plan)
    const shown = entries.map(({ entry, kind, source }) => [entry, kind, source])
    expect(shown).toContainEqual(['inputs.src', 'bind', '/home/src'])
    expect(shown).toContainEqual(['inputs.src.exclude[0]', 'empty', undefined])
    expect(unused).not.toContain('inputs.src.exclude[0]')
  })

  it('name what was declared and found by no process; a link to an entry uses it', () => {
    expect(filesOf(traceOf(), plan).unused).toEqual(['toolchain', 'inputs.src', 'inputs.docs'])
    // The trace has what a link leads to beside it.
    const linked = [seen('/bin/sh', 'execute', 'found', { leadsTo: '/usr/bin/dash' }), seen('/usr/bin/dash', 'execute')]
    expect(filesOf(traceOf(...linked, seen('/inputs/docs/none', 'read', 'missing')), plan).unused).toEqual(['inputs.src', 'inputs.docs'])
    expect(lists(traceOf(...linked))).toEqual({ '': { executed: ['/bin/sh'] }, '/usr': { executed: ['/usr/bin/dash'] } })
  })

  it('are in the entry that a link of the root leads to', () => {
    const trace = traceOf(seen('/lib/none', 'read', 'missing'), seen('/usr/lib/none', 'write', 'missing', { found: ['missing', 'found'] }), seen('/libs/x', 'read', 'missing'))
    expect(lists(trace)).toEqual({ '/usr': { missing: ['/usr/lib/none'], written: ['/usr/lib/none'] }, '': { missing: ['/libs/x'] } })
    expect(filesOf(trace, plan).links).toEqual([{ path: '/lib', target: 'usr/lib' }])
  })

  it('are bounded, and what is left out is counted', () => {
    const trace = traceOf(...Array.from({ length: 10 }, (_, index) => seen(`/inputs/src/${index}`, 'read')))
    const bounded = filesOf({ ...trace, lost: 3 }, plan, 4)
    expect({ lost: bounded.lost, entries: lookedUpIn(bounded) }).toMatchObject({ lost: 3, entries: [{ read: { paths: ['/inputs/src/0', '/inputs/src/1', '/inputs/src/2', '/inputs/src/3'], leftOut: 6 } }] })
    for (const most of [Number.NaN, -1, 1.5]) expect(() => filesOf(trace, plan, most)).toThrow('most: must be a whole number of paths, or Infinity')
  })
})

describe('the trace of a session that had none', () => {
  it.each([undefined, null, 5, 'x', [], {}, { files: [] }, { files: [], programs: 5, processes: [] }])('is refused by its name: %j', (given) => {
    const says = { code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'trace', message: expect.stringContaining('`trace: true`') as string }
    expect(() => filesOf(given as unknown as Trace, plan)).toThrow(expect.objectContaining(says))
    expect(() => programsOf(given as unknown as Trace)).toThrow(expect.objectContaining(says))
  })

  it('is told from a plan that is missing', () => {
    expect(() => filesOf(traceOf(), undefined as unknown as Plan)).toThrow(expect.objectContaining({ entry: 'plan' }))
  })
})

describe('the programs of a record', () => {
  it('have the programs that started them', () => {
    const programs = ['/usr/bin/make', '/usr/bin/sh', '/usr/bin/cc'].map((path) => ({ path, argv0: path, processes: 1 }))
    const beganAt = 1
    const processes = [{ pid: 10, parent: 1, program: 0, beganAt }, { pid: 11, parent: 10, program: 1, beganAt }, { pid: 12, parent: 11, program: 2, beganAt }, { pid: 13, parent: 10, program: 2, beganAt }, { pid: 14, parent: 10, beganAt }]
    expect(programsOf({ ...traceOf(), programs, processes }).map(({ startedBy }) => startedBy)).toEqual([[], ['/usr/bin/make'], ['/usr/bin/sh', '/usr/bin/make']])
  })
})
