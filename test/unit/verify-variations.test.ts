import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { parseCommandLine, type Request } from '../../src/cli/command-line.ts'
import { planOf, type Spec } from '../../src/index.ts'
import { identityOf } from '../../src/spec/plan.ts'
import { namesIn } from '../../src/verify/byte-paths.ts'
import { copyInput, type CopyOptions } from '../../src/verify/input-copy.ts'
import { movedTo } from '../../src/verify/moving.ts'
import { folderToKeepIn, listingOrderIn } from '../../src/verify/scratch.ts'
import { variationNames } from '../../src/verify/variation-names.ts'
import { arrangedFor, commandOf, ownProcessors, shiftOf, variations, type Draft, type Ground } from '../../src/verify/variations.ts'
import { rejected } from '../session/rejected.ts'

let top = ''
beforeEach(() => (top = mkdtempSync(path.join(tmpdir(), 'buildjail-vary-'))))
afterEach(() => rmSync(top, { recursive: true, force: true }))

const isLinux = process.platform === 'linux'
const isRoot = process.geteuid?.() === 0

function groundOf(spec: Spec): Ground {
  return { spec, plan: planOf(spec), builds: 2, processors: [0, 1, 2, 3] }
}

function draftOf(spec: Spec, number = 2): Draft {
  return { number, spec, processes: 0, processors: [0, 1, 2, 3], isShifted: false, isReordered: false, values: {} }
}

describe('what a spec says is not varied', () => {
  it.each<[Spec, string]>([
    [{ hostname: 'mine' }, 'host-name'],
    [{ user: { uid: 7, gid: 8 } }, 'user-ids'],
    [{ env: { TMPDIR: '/var' } }, 'tmp-path'],
    [{}, 'input-times'],
    [{}, 'directory-order'],
    [{}, 'build-path'],
    [{ toolchain: 'none' }, 'tmp-path'],
    [{ outputs: { '/tmp': '/nowhere/at/all/but/here' } }, 'tmp-path'],
    ...(isLinux ? ([[{ toolchain: 'none' }, 'processors'], [{ toolchain: 'none' }, 'process-ids']] as [Spec, string][]) : ([[{ limits: { cpus: 3 } }, 'processors']] as [Spec, string][])),
  ])('%j: %s', (spec, name) => {
    const outputs = spec.outputs === undefined ? spec : { ...spec, outputs: { '/tmp': top } }
    expect(variations[name as keyof typeof variations].obstacle(groundOf(outputs))).toEqual(expect.any(String))
  })

  it('and the rest is, by other values for each build', () => {
    const spec: Spec = { inputs: { src: top }, env: { A: 'b' }, cwd: '/inputs/src' }
    const ground = { ...groundOf(spec), builds: 4 }
    const seen = [2, 3, 4].map((number) => {
      const draft = draftOf(spec, number)
      for (const name of variationNames) if (variations[name].obstacle(ground) === undefined) variations[name].vary(draft, ground)
      return draft
    })
    for (const name of ['host-name', 'user-ids', 'environment', 'tmp-path', 'build-path'] as const) expect(new Set(seen.map(({ values }) => values[name])).size, name).toBe(3)
    expect(seen[0]?.spec).toMatchObject({ hostname: 'verify-host-2', cwd: '/inputs/src-verify-2', inputs: { '/inputs/src-verify-2': top } })
    expect(planOf({ ...spec, ...seen[0]?.spec, cwd: '/tmp' }).env).toMatchObject({ A: 'b', BUILDJAIL_VERIFY: 'noise-of-build-2', TMPDIR: '/tmp/verify/deeper-2' })
  })

  it('on one processor there is no other number of them', () => {
    expect(variations.processors.obstacle({ ...groundOf({}), processors: [3] })).toContain('one processor')
  })
})

it.runIf(isLinux)('a shell does before the command what varies it, and the command is the same', () => {
  const plan = planOf({})
  expect(commandOf(['cc', 'a b'], ['host-name'], draftOf({}), plan)).toEqual(['cc', 'a b'])
  expect(commandOf(['no-such-program'], ['process-ids'], { processes: 3, processors: [0] }, plan)).toEqual(['no-such-program'])
  const [shell = '', ...words] = commandOf(['sh', '-c', 'echo "$0 $1 [$TMPDIR] ${buildjail_n-none}"; [ -d "$TMPDIR" ]; nproc; exit 7', 'a b', '*'], ['tmp-path', 'process-ids', 'processors'], { processes: 3, processors: [0] }, plan)
  const tmp = path.join(top, 'deep/er')
  expect(() => execFileSync(shell, words, { env: { ...process.env, TMPDIR: tmp }, stdio: 'pipe' })).toThrow(expect.objectContaining({ status: 7, stdout: Buffer.from(`a b * [${tmp}] none\n1\n`) }))
})

describe('moving the entry that a command runs in', () => {
  it('moves all that is in it, and nothing else', () => {
    const spec: Spec = { inputs: { '/w': 'a', '/w/in': { path: 'b', overlay: true }, src: 'c' }, output: 'o', outputs: { '/w/dist': 'd', logs: 'l' }, stores: { '/w/s': 's' }, tmpfs: { '/w/t': '1M' }, path: ['/w/bin', '/opt/bin'] }
    expect(movedTo(spec, '/w/deep', '/w', '/z')).toEqual({
      inputs: { '/z': 'a', '/z/in': { path: 'b', overlay: true }, src: 'c' },
      output: 'o',
      outputs: { '/z/dist': 'd', logs: 'l' },
      stores: { '/z/s': 's' },
      tmpfs: { '/z/t': '1M' },
      path: ['/z/bin', '/opt/bin'],
      cwd: '/z/deep',
    })
    expect(movedTo({ output: 'o' }, '/output/x', '/output', '/z')).toEqual({ outputs: { '/z': 'o' }, cwd: '/z/x' })
  })
})

it('no build has the order of another, nor the times', () => {
  const names = [...'abcdef']
  const orders = [2, 3, 4, 5].map((number) => arrangedFor(number, names).join(''))
  expect(new Set([...orders, 'abcdef']).size).toBe(5)
  for (const order of orders) expect([...order].sort()).toEqual(names)
  expect([arrangedFor(5, []), arrangedFor(3, ['a'])]).toEqual([[], ['a']])
  const now = Date.now() / 1000
  expect([shiftOf(2, now), shiftOf(3, now), shiftOf(2, 1)]).toEqual([-86_404_321, -172_808_642, 86_404_321])
})

it('the processors are those that this program may use', () => {
  const numbers = ownProcessors(2)
  expect(numbers.length).toBeGreaterThan(0)
  expect(new Set(numbers).size).toBe(numbers.length)
  if (isLinux) expect(ownProcessors(2).length).toBe(Number(execFileSync('nproc', { encoding: 'utf8' })))
})

describe('the copy of an input', () => {
  const source = (): string => path.join(top, 'source')
  const copy = (): string => path.join(top, 'copy')
  const options: CopyOptions = { shift: () => -1000, arrange: (names) => names, covered: new Set(), room: { bytes: 1e6, entries: 100 } }
  const copied = async (some: Partial<CopyOptions> = {}): ReturnType<typeof copyInput> => await copyInput(source(), identityOf(statSync(source(), { bigint: true })), copy(), { ...options, room: { ...options.room }, ...some })

  beforeEach(() => {
    mkdirSync(path.join(source(), 'deep'), { recursive: true })
    writeFileSync(path.join(source(), 'deep/file'), 'text', { mode: 0o640 })
    utimesSync(path.join(source(), 'deep/file'), 5000, 6000)
  })

  it('has contents, modes, links and names of one file, and other times', async () => {
    linkSync(path.join(source(), 'deep/file'), path.join(source(), 'again'))
    symlinkSync('/etc/passwd', path.join(source(), 'link'))
    writeFileSync(Buffer.concat([Buffer.from(`${source()}/`), Buffer.from([0xff])]), '')
    chmodSync(path.join(source(), 'deep'), 0o550)
    utimesSync(path.join(source(), 'deep'), 7000, 8000)
    if (isRoot) chownSync(path.join(source(), 'deep/file'), 4001, 4002)
    expect(await copied()).toMatchObject({ shifted: -1000 })
    const at = (name: string): string => path.join(copy(), name)
    expect([readFileSync(at('deep/file'), 'utf8'), readlinkSync(at('link')), readdirSync(copy()).length]).toEqual(['text', '/etc/passwd', 4])
    expect(statSync(at('deep/file'))).toMatchObject({ mode: 0o100640, mtimeMs: 5_000_000, nlink: 2, ino: statSync(at('again')).ino, ...(isRoot && { uid: 4001, gid: 4002 }) })
    expect(statSync(at('deep'))).toMatchObject({ mode: 0o040550, mtimeMs: 7_000_000 })
    expect(lstatSync(at('link')).mtimeMs).toBeLessThan(lstatSync(path.join(source(), 'link')).mtimeMs)
    for (const folder of [source(), copy()]) chmodSync(path.join(folder, 'deep'), 0o750)
  })

  it('lists its entries in another order, where the file system has the order in which they were made', async (context) => {
    const order = await listingOrderIn(top)
    context.skip(order === 'its-own', 'this file system has an order of its own')
    for (const name of 'zyxabc') writeFileSync(path.join(source(), name), '')
    const arrange = (names: readonly Buffer[]): readonly Buffer[] => (order === 'reversed' ? names : names.toReversed())
    expect(await copied({ arrange })).toMatchObject({ ordered: 1, reordered: 1 })
    const listed = async (folder: string): Promise<string[]> => (await namesIn(Buffer.from(folder))).map(String)
    expect(await listed(copy())).toEqual((await listed(source())).toReversed())
  })

  it('has the places only of what is mounted over', async () => {
    mkdirSync(path.join(source(), 'dist'))
    writeFileSync(path.join(source(), 'dist/large'), 'x'.repeat(1000))
    writeFileSync(path.join(source(), '.env'), 'SECRET=1')
    await copied({ covered: new Set(['dist', '.env']), room: { bytes: 100, entries: 100 } })
    expect([readdirSync(path.join(copy(), 'dist')), readFileSync(path.join(copy(), '.env'), 'utf8')]).toEqual([[], ''])
  })

  it('may be of one file', async () => {
    rmSync(source(), { recursive: true })
    writeFileSync(source(), 'text')
    await copied()
    expect(readFileSync(copy(), 'utf8')).toBe('text')
  })

  it.each<[string, () => void, Partial<CopyOptions>, string]>([
    ['too many bytes', () => {}, { room: { bytes: 3, entries: 100 } }, 'too much'],
    ['too many files', () => {}, { room: { bytes: 100, entries: 1 } }, 'too much'],
    ['a fifo, which is not waited for', () => execFileSync('mkfifo', [path.join(source(), 'fifo')]), {}, 'fifo is neither a file'],
  ])('is refused: %s', async (_, make, some, message) => {
    make()
    expect(await rejected(copied(some))).toMatchObject({ message: expect.stringContaining(message) })
  })

  it('is refused of what was exchanged since the plan was made', async () => {
    const identity = identityOf(statSync(source(), { bigint: true }))
    mkdirSync(path.join(top, 'elsewhere'))
    rmSync(source(), { recursive: true })
    symlinkSync('elsewhere', source())
    expect(await rejected(copyInput(source(), identity, copy(), options))).toMatchObject({ code: expect.stringMatching(/ELOOP|EMLINK/) })
    rmSync(source())
    mkdirSync(source())
    expect(await rejected(copyInput(source(), { dev: identity.dev, ino: '1' }, copy(), options))).toMatchObject({ message: expect.stringContaining('exchanged') })
    expect(existsSync(copy())).toBe(false)
  })

  it.runIf(isLinux)('follows no link that another user puts in the place of a folder meanwhile', async () => {
    writeFileSync(path.join(top, 'secret'), 'secret')
    const arrange = (names: readonly Buffer[]): readonly Buffer[] => {
      // The names are read; now they are other things.
      if (names.some((name) => String(name) === 'file')) {
        rmSync(path.join(source(), 'deep'), { recursive: true })
        symlinkSync(top, path.join(source(), 'deep'))
        return [Buffer.from('secret')]
      }
      return names
    }
    expect(await rejected(copied({ arrange }))).toMatchObject({ code: 'ENOENT' })
    expect(existsSync(path.join(copy(), 'deep/secret'))).toBe(false)
  })
})

describe('the folder to keep outputs in', () => {
  it('is made if only its last part is missing', async () => {
    expect(await folderToKeepIn(path.join(top, 'kept'))).toBe(path.join(top, 'kept'))
    expect(await folderToKeepIn(path.join(top, 'kept'))).toBe(path.join(top, 'kept'))
  })

  it('is refused where another user can exchange what is in it', async () => {
    const shared = path.join(top, 'shared')
    mkdirSync(path.join(shared, 'kept'), { recursive: true })
    chmodSync(shared, 0o777)
    expect(await rejected(folderToKeepIn(path.join(shared, 'kept')))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'keep' })
    chmodSync(shared, 0o1777)
    expect(await folderToKeepIn(path.join(shared, 'kept'))).toBe(path.join(shared, 'kept'))
    if (!isRoot) return
    chownSync(path.join(shared, 'kept'), 4001, 4001)
    expect(await rejected(folderToKeepIn(path.join(shared, 'kept')))).toMatchObject({ entry: 'keep' })
  })
})

describe('the command line', () => {
  const run = (...options: string[]): Request => parseCommandLine(['run', ...options, '--', 'cc'])

  it.each<[string[], object]>([
    [['--verify'], {}],
    [['--verify=3'], { builds: 3 }],
    [['--verify', '--only', 'host-name,tmp-path'], { only: ['host-name', 'tmp-path'] }],
    [['--verify', '--only', 'none'], { only: [] }],
  ])('%j', (options, verify) => {
    expect(run(...options)).toMatchObject({ kind: 'run', verify, command: ['cc'] })
  })

  it('takes the word behind --verify for the command', () => {
    expect(parseCommandLine(['run', '--verify', 'make', '-j2'])).toMatchObject({ verify: {}, command: ['make', '-j2'] })
  })

  it.each([
    [['--verify=x'], "--verify: 'x' is not a number"],
    [['--verify='], '--verify: '],
    [['--verify=1'], '--verify: must be a whole number from 2 to 16'],
    [['--verify=17'], '--verify: must be a whole number from 2 to 16'],
    [['--only', 'host-name'], '--only: is for --verify'],
    [['--verify', '--only', 'hostname'], 'did you mean host-name?'],
    [['--verify', '--record', 'f'], '--record: cannot be combined with --verify'],
    [['--verify', '--events'], '--events: cannot be combined with --verify'],
    [['--verify', '--here', '--apply'], '--apply: cannot be combined with --verify'],
  ])('%j is refused', (options, message) => {
    expect(() => run(...options)).toThrow(message)
  })
})
