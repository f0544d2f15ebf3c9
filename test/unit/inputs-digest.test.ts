import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { inputsDigest } from '../../src/recording/inputs-digest.ts'
import { useNames, type RecordedFiles, type RecordedUse } from '../../src/recording/seen-files.ts'

let top = ''
beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'digest-'))
  for (const [name, text] of Object.entries({ 'src/a.c': 'a', 'src/b.c': 'b', 'src/deep/c.c': 'c', 'outside/key': 'k', 'other/c.c': 'o', 'tool/cc': 'cc' })) {
    mkdirSync(path.dirname(path.join(top, name)), { recursive: true })
    writeFileSync(path.join(top, name), text)
  }
  symlinkSync('a.c', path.join(top, 'src/link'))
  symlinkSync(path.join(top, 'outside/key'), path.join(top, 'src/absolute'))
  symlinkSync('../outside/key', path.join(top, 'src/upwards'))
  symlinkSync('loop', path.join(top, 'src/loop'))
  symlinkSync('gone/../a.c', path.join(top, 'src/up'))
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

type Lists = Partial<Record<(typeof useNames)[number], readonly string[]>>

const use = (entry: string, target: string, source: string, lists: Lists = {}): RecordedUse => ({
  entry,
  kind: 'bind',
  target,
  source: path.join(top, source),
  ...(Object.fromEntries(useNames.map((name) => [name, { paths: lists[name] ?? [] }])) as Pick<RecordedUse, (typeof useNames)[number]>),
})
const files = (lists: Lists, ...more: RecordedUse[]): RecordedFiles => ({ entries: [use('inputs.src', '/inputs/src', 'src', lists), ...more], unused: [], lost: 0 })
const write = (name: string, text: string): void => writeFileSync(path.join(top, name), text)

/** The digest before and after a change are equal or not. */
async function differs(asked: RecordedFiles, change: () => void): Promise<boolean> {
  const before = await inputsDigest(asked)
  expect(before).toMatch(/^[0-9a-f]{64}$/)
  expect(await inputsDigest(asked)).toBe(before)
  change()
  return (await inputsDigest(asked)) !== before
}

describe('what has no list of files', () => {
  // A record, with its files in a member of their own, is what people hand in.
  it.each([undefined, null, 5, [], {}, { files: files({}) }])('has no digest: %#', async (given) => {
    await expect(inputsDigest(given as unknown as RecordedFiles)).rejects.toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'files' }))
  })
})

describe('the digest of the inputs of a run', () => {
  it.each<[string, Lists, () => void]>([
    ['what a file that was read holds', { read: ['/inputs/src/a.c'] }, () => write('src/a.c', 'A')],
    ['whether it can be executed', { executed: ['/inputs/src/a.c'] }, () => chmodSync(path.join(top, 'src/a.c'), 0o755)],
    ['whether it is there', { read: ['/inputs/src/a.c'] }, () => rmSync(path.join(top, 'src/a.c'))],
    ['the size of what was looked at', { looked: ['/inputs/src/a.c'] }, () => write('src/a.c', 'longer')],
    ['what a file that was only looked at holds', { looked: ['/inputs/src/a.c'] }, () => write('src/a.c', 'A')],
    ['that nothing is where it was missing', { missing: ['/inputs/src/none/at/all'] }, () => (mkdirSync(path.join(top, 'src/none/at'), { recursive: true }), write('src/none/at/all', ''))],
    ['the names in a folder that was listed', { listed: ['/inputs/src'] }, () => write('src/new', '')],
    ['the kinds of what is in it', { listed: ['/inputs/src'] }, () => (rmSync(path.join(top, 'src/b.c')), mkdirSync(path.join(top, 'src/b.c')))],
    ['where a link leads to', { read: ['/inputs/src/link'] }, () => (rmSync(path.join(top, 'src/link')), symlinkSync('b.c', path.join(top, 'src/link')))],
    ['the text of a link', { read: ['/inputs/src/link'] }, () => (rmSync(path.join(top, 'src/link')), symlinkSync('./a.c', path.join(top, 'src/link')))],
    ['what is behind a link', { read: ['/inputs/src/link'] }, () => write('src/a.c', 'A')],
    ['what was overwritten in an overlay', { written: ['/inputs/src/a.c'] }, () => write('src/a.c', 'A')],
    ['the names in a folder of an overlay that was removed', { written: ['/inputs/src/deep'] }, () => write('src/deep/new', '')],
    ['whether a folder on the way can be entered', { refused: ['/inputs/src/deep/c.c'] }, () => chmodSync(path.join(top, 'src/deep'), 0o700)],
    ['whether the folder of the input can be entered', { read: ['/inputs/src/a.c'] }, () => chmodSync(path.join(top, 'src'), 0o711)],
    ['which folder is missing on the way', { missing: ['/inputs/src/none/at/all'] }, () => mkdirSync(path.join(top, 'src/none'))],
    ['that a file is in the place of a folder', { missing: ['/inputs/src/none/at'] }, () => write('src/none', '')],
    ['that a link leads up from a folder', { missing: ['/inputs/src/up'] }, () => mkdirSync(path.join(top, 'src/gone'))],
    ['that a folder is no file', { looked: ['/inputs/src/deep/c.c'] }, () => (rmSync(path.join(top, 'src/deep'), { recursive: true }), write('src/deep', ''))],
  ])('has %s', async (_, lists, change) => {
    expect(await differs(files(lists), change)).toBe(true)
  })

  it.each<[string, Lists, () => void]>([
    ['a file that was not looked up', { read: ['/inputs/src/a.c'], missing: ['/inputs/src/none'] }, () => write('src/b.c', 'B')],
    ['names in a folder that was only looked at', { looked: ['/inputs/src'] }, () => write('src/new', '')],
    ['contents of the files in a folder that was listed', { listed: ['/inputs/src'] }, () => write('src/a.c', 'A')],
    ['time stamps', { read: ['/inputs/src/a.c'], listed: ['/inputs/src'] }, () => utimesSync(path.join(top, 'src/a.c'), 1, 1)],
  ])('has not %s', async (_, lists, change) => {
    expect(await differs(files(lists), change)).toBe(false)
  })

  it('does not follow a link to what the session does not show', async () => {
    for (const name of ['absolute', 'upwards', 'loop']) expect(await differs(files({ read: [`/inputs/src/${name}`] }), () => write('outside/key', `another of ${name}`))).toBe(false)
  })

  it('follows a link into another entry, whose names may be others on the host', async () => {
    symlinkSync('../tool/cc', path.join(top, 'src/tool'))
    const asked = files({ read: ['/inputs/src/tool'] }, use('inputs.tool', '/inputs/tool', 'tool'))
    expect(await differs(asked, () => write('tool/cc', 'CC'))).toBe(true)
  })

  it('follows the links of the root itself', async () => {
    const asked = { ...files({ missing: ['/inputs/src/absolute'] }, use('inputs./usr/lib/q', '/usr/lib/q', 'other')), links: [{ path: '/lib', target: 'usr/lib' }] }
    rmSync(path.join(top, 'src/absolute'))
    symlinkSync('/lib/q/late', path.join(top, 'src/absolute'))
    expect(await differs(asked, () => write('other/late', ''))).toBe(true)
  })

  it('follows a link to what is excluded, and has nothing that it holds', async () => {
    symlinkSync('deep/c.c', path.join(top, 'src/hidden'))
    const excluded = { ...use('inputs.src.exclude[0]', '/inputs/src/deep', 'src'), kind: 'empty', source: undefined } as unknown as RecordedUse
    expect(await differs(files({ missing: ['/inputs/src/hidden'] }, excluded), () => write('src/deep/c.c', 'another secret'))).toBe(false)
  })

  it('has of what is excluded whether it is there, and not what it holds', async () => {
    const excluded = { ...use('inputs.src.exclude[0]', '/inputs/src/a.c', 'src', { read: ['/inputs/src/a.c'] }), kind: 'empty', source: undefined } as unknown as RecordedUse
    expect(await differs(files({}, excluded), () => write('src/a.c', 'another secret'))).toBe(false)
    expect(await differs(files({}, excluded), () => rmSync(path.join(top, 'src/a.c')))).toBe(true)
  })

  it('has the toolchain if that is asked for', async () => {
    const asked = files({}, use('toolchain', '/tool', 'tool', { executed: ['/tool/cc'] }))
    const [inputs, both] = [await inputsDigest(asked), await inputsDigest(asked, { toolchain: true })]
    write('tool/cc', 'CC')
    expect([(await inputsDigest(asked)) === inputs, (await inputsDigest(asked, { toolchain: true })) === both]).toEqual([true, false])
  })

  it.each(['etc', 'network', 'toolchain[1]'])('has what %s shows of the host if the toolchain is asked for, and what is lent never', async (entry) => {
    const asked = files({}, use(entry, '/tool', 'tool', { read: ['/tool/cc'] }), use('output', '/output', 'other', { written: ['/output/c.c'] }))
    const [inputs, both] = [await inputsDigest(asked), await inputsDigest(asked, { toolchain: true })]
    write('other/c.c', 'O')
    expect(await inputsDigest(asked, { toolchain: true })).toBe(both)
    write('tool/cc', 'CC')
    expect([(await inputsDigest(asked)) === inputs, (await inputsDigest(asked, { toolchain: true })) === both]).toEqual([true, false])
  })

  it('is refused for a link whose text is not UTF-8, because its file would be missing for ever', async () => {
    symlinkSync(Buffer.from([0xff, 0xfe]), path.join(top, 'src/other'))
    await expect(inputsDigest(files({ missing: ['/inputs/src/other'] }))).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_TRACE_INCOMPLETE', path: '/inputs/src/other' })
  })

  it('has that nothing is at a name which is too long', async () => {
    const asked = files({ missing: [`/inputs/src/${'n'.repeat(256)}`, `/inputs/src/${'n'.repeat(256)}/inside`] })
    expect(await inputsDigest(asked)).toMatch(/^[0-9a-f]{64}$/)
  })

  it('does not depend on the order in which paths were looked up', async () => {
    const [forth, back] = [['/inputs/src/a.c', '/inputs/src/b.c'], ['/inputs/src/b.c', '/inputs/src/a.c']] as const
    expect(await inputsDigest(files({ read: forth }))).toBe(await inputsDigest(files({ read: back })))
  })

  it.each<[string, () => RecordedFiles, string]>([
    ['a trace that lost calls', () => ({ ...files({}), lost: 1 }), 'ERR_BUILDJAIL_TRACE_INCOMPLETE'],
    ['a record that leaves paths out', () => ({ ...files({}), entries: [{ ...use('inputs.src', '/inputs/src', 'src'), looked: { paths: [], leftOut: 1 } }] }), 'ERR_BUILDJAIL_TRACE_INCOMPLETE'],
    ['a name that is not UTF-8, which would be missing for ever', () => files({ missing: ['/inputs/src/\uFFFD'] }), 'ERR_BUILDJAIL_TRACE_INCOMPLETE'],
    ['a file that an earlier run left in an output', () => files({}, use('outputs.dist', '/outputs/dist', 'tool', { read: ['/outputs/dist/cc'] })), 'ERR_BUILDJAIL_OUTPUT_READ'],
    ['one that it left in a store', () => files({}, use('stores./store', '/store', 'tool', { looked: ['/store/cc'] })), 'ERR_BUILDJAIL_OUTPUT_READ'],
  ])('is refused for %s', async (_, asked, code) => {
    await expect(inputsDigest(asked())).rejects.toMatchObject({ code })
  })

  it('is there for a run that looked at the output itself, and wrote in it', async () => {
    const output = use('output', '/output', 'tool', { looked: ['/output'], listed: ['/output'], written: ['/output/a'], missing: ['/output/b'] })
    expect(await inputsDigest(files({}, output))).toBe(await inputsDigest(files({})))
  })
})

describe('the digest after a run', () => {
  const after = (lists: Lists): Promise<string> => inputsDigest(files(lists), { unchangedSince: Date.now() })
  const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 50))

  it.each<[string, Lists, () => void]>([
    ['changed', { read: ['/inputs/src/a.c'] }, () => write('src/a.c', 'A')],
    ['changed and got its time stamps back', { looked: ['/inputs/src/a.c'] }, () => (write('src/a.c', 'A'), utimesSync(path.join(top, 'src/a.c'), 1, 1))],
    ['moved there', { read: ['/inputs/src/a.c'] }, () => renameSync(path.join(top, 'src/b.c'), path.join(top, 'src/a.c'))],
    ['appeared', { missing: ['/inputs/src/late'] }, () => write('src/late', '')],
    ['exchanged with its folder', { read: ['/inputs/src/deep/c.c'] }, () => (renameSync(path.join(top, 'src/deep'), path.join(top, 'src/old')), renameSync(path.join(top, 'other'), path.join(top, 'src/deep')))],
    ['gone', { read: ['/inputs/src/a.c'] }, () => rmSync(path.join(top, 'src/a.c'))],
  ])('is refused where a file was %s meanwhile', async (_, lists, change) => {
    await settled()
    const before = await inputsDigest(files(lists))
    expect(await after(lists)).toBe(before)
    const since = Date.now()
    change()
    await expect(inputsDigest(files(lists), { unchangedSince: since })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INPUT_CHANGED', path: [...(lists.read ?? []), ...(lists.looked ?? []), ...(lists.missing ?? [])][0] })
  })

  it('is refused where a link came to lead to what is not shown meanwhile', async () => {
    await settled()
    const since = Date.now()
    rmSync(path.join(top, 'src/link'))
    symlinkSync('/tmp/elsewhere', path.join(top, 'src/link'))
    await expect(inputsDigest(files({ read: ['/inputs/src/link'] }), { unchangedSince: since })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INPUT_CHANGED', path: '/inputs/src/link' })
  })

  it('is there of a link that was looked at, whatever it leads to', async () => {
    symlinkSync('nowhere', path.join(top, 'src/dangling'))
    await settled()
    expect(await after({ looked: ['/inputs/src/dangling'] })).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is refused of an output that was listed with something in it that the run has not made', async () => {
    const output = use('output', '/output', 'other', { listed: ['/output'], written: ['/output/c.c'] })
    expect(await inputsDigest(files({}, output), { unchangedSince: Date.now() + 1000 })).toBe(await inputsDigest(files({})))
    write('other/old', '')
    await expect(inputsDigest(files({}, output), { unchangedSince: Date.now() })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_READ', path: '/output/old' })
    // By the time of a later look, another run may have written there.
    expect(await inputsDigest(files({}, output))).toBe(await inputsDigest(files({})))
  })

  it('is refused where another folder is in the place of an input', async () => {
    const { dev, ino } = statSync(path.join(top, 'src'), { bigint: true })
    const asked = { ...files({}), entries: [{ ...use('inputs.src', '/inputs/src', 'src'), identity: { dev: String(dev), ino: String(ino) } }] }
    await settled()
    expect(await inputsDigest(asked, { unchangedSince: Date.now() })).toBe(await inputsDigest(files({})))
    renameSync(path.join(top, 'src'), path.join(top, 'old'))
    renameSync(path.join(top, 'other'), path.join(top, 'src'))
    await expect(inputsDigest(asked, { unchangedSince: Date.now() + 1000 })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INPUT_CHANGED', entry: 'inputs.src' })
  })
})

it.each<[string, object, entry: string]>([
  ['a time that is not a number, since which nothing would have changed', { unchangedSince: Number.NaN }, 'unchangedSince'],
  ['a time without end', { unchangedSince: Infinity }, 'unchangedSince'],
  ['a time as a text', { unchangedSince: '1' }, 'unchangedSince'],
  ['a toolchain that is neither', { toolchain: 'no' }, 'toolchain'],
  ['an option that is misspelt', { unchangedsince: 1 }, 'unchangedsince'],
])('%s is refused, as the cache would be wrong', async (_what, options, entry) => {
  await expect(inputsDigest(files({ read: ['/inputs/src/a.c'] }), options)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry })
})
