import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { build, filesOf, inputsDigest, planOf } from '../../src/index.ts'
import { readRecord, recordSchema } from '../../src/recording/read-record.ts'
import { isValid } from '../unit/schema-validator.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

describeSession('the record of a run with a trace', () => {
  const folders = useFolders()
  const cli = (...words: readonly string[]): ReturnType<typeof spawnSync> & { readonly stdout: string; readonly stderr: string } => spawnSync(process.execPath, [main, ...words], { cwd: folders.top, encoding: 'utf8' })
  const script = (text: string, ...options: readonly string[]): readonly string[] => ['run', '--trace', '--input', 'src', '--input', 'unused', ...options, '--cwd', '/inputs/src', '--', 'sh', '-c', text]
  const prepare = (): void => {
    for (const folder of ['src', 'unused']) mkdirSync(path.join(folders.top, folder))
    writeFileSync(path.join(folders.top, 'src/a'), 'a')
    writeFileSync(path.join(folders.top, 'src/b'), 'b')
  }

  test('has its files by entry, what no process used, and the programs with those that started them', () => {
    prepare()
    expect(cli(...script('cat a none; ls .; : > /tmp/made; exit 0', '--record', 'record.json'))).toMatchObject({ status: 0 })
    const json = readFileSync(path.join(folders.top, 'record.json'), 'utf8')
    expect(isValid(recordSchema, JSON.parse(json))).toBe(true)
    const { files, programs } = readRecord(json, 'record')
    const src = files?.entries.find(({ entry }) => entry === 'inputs.src')
    expect(src).toMatchObject({ source: path.join(folders.top, 'src'), read: { paths: ['/inputs/src/a'] }, listed: { paths: ['/inputs/src'] }, missing: { paths: ['/inputs/src/none'] } })
    expect(files).toMatchObject({ unused: ['inputs.unused'], lost: 0 })
    expect(files?.entries.flatMap(({ written }) => written.paths)).toContain('/tmp/made')
    const [shell] = programs ?? []
    expect(programs?.find(({ argv0 }) => argv0 === 'cat')).toMatchObject({ processes: 1, startedBy: [shell?.path] })
  })

  test('is told in one line where no file is to have it', () => {
    prepare()
    expect(cli(...script('cat a none; exit 3'))).toMatchObject({ status: 3, stdout: 'a', stderr: expect.stringMatching(/^buildjail: traced paths: \d+ read, \d+ executed.*, \d+ missing.*; nothing used inputs\.unused; --record FILE keeps them\n$/m) as string })
    expect(cli(...script('cat a', '--record', 'record.json')).stderr).toBe('')
  })

  test.each([
    ['appends to it', 'echo more >> /outputs/out/log'],
    ['opens it to read and write', 'exec 3<> /outputs/out/log'],
    ['replaces it', 'echo new > /outputs/out/log'],
    ['finds its folder', 'mkdir -p /outputs/out/folder'],
  ])('has no digest where an earlier run left something in an output, and the run %s', async (_, text) => {
    prepare()
    mkdirSync(path.join(folders.output, 'folder'))
    writeFileSync(path.join(folders.output, 'log'), 'left')
    const plan = planOf({ inputs: { src: path.join(folders.top, 'src') }, outputs: { out: folders.output }, trace: true })
    const { trace } = await build(plan, ['sh', '-c', `cat /inputs/src/a; ${text}`])
    if (trace === undefined) throw new Error('there is no trace')
    expect(await rejected(inputsDigest(filesOf(trace, plan, Infinity)))).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_READ', entry: 'outputs.out' })
  })

  test('has a digest where the run bound a socket in an output that it listed', async () => {
    prepare()
    const plan = planOf({ toolchain: ['host', 'node'], inputs: { src: path.join(folders.top, 'src') }, outputs: { out: folders.output }, trace: true })
    const bound = 'require("net").createServer().listen("/outputs/out/socket", () => process.kill(process.pid, "SIGKILL"))'
    // Later than the files, by more than a tick of the kernel's clock.
    await sleep(50)
    const since = Date.now()
    const { trace } = await build(plan, ['sh', '-c', `cat /inputs/src/a; ${process.execPath} -e '${bound}'; ls /outputs/out; true`])
    if (trace === undefined) throw new Error('there is no trace')
    expect(readdirSync(folders.output)).toEqual(['socket'])
    expect(await inputsDigest(filesOf(trace, plan, Infinity), { unchangedSince: since })).toMatch(/^[\da-f]{64}$/)
  })

  test('is that of --json', () => {
    prepare()
    const { files, programs } = JSON.parse(cli('run', '--json', ...script('cat a').slice(1)).stdout) as { readonly files: { readonly unused: readonly string[] }; readonly programs: readonly object[] }
    expect(files.unused).toEqual(['inputs.unused'])
    expect(programs).toHaveLength(2)
  })

  test('is compared with another by trace diff', () => {
    prepare()
    for (const [name, text] of [['one', 'cat a none; exit 0'], ['two', 'cat a b'], ['three', 'cat a b']] as const) expect(cli(...script(text, '--record', name))).toMatchObject({ status: 0 })
    expect(cli('trace', 'diff', 'one', 'two')).toMatchObject({ status: 1, stdout: 'inputs.src\n+ read /inputs/src/b\n- missing /inputs/src/none\n' })
    expect(cli('trace', 'diff', 'two', 'three')).toMatchObject({ status: 0, stdout: '' })
    expect(JSON.parse(cli('trace', 'diff', '--json', 'two', 'one').stdout)).toEqual([
      { entry: 'inputs.src', path: '/inputs/src/b', before: ['read'], after: [] },
      { entry: 'inputs.src', path: '/inputs/src/none', before: [], after: ['missing'] },
    ])
    expect(cli('run', '--record', 'without', '--', 'true')).toMatchObject({ status: 0 })
    expect(cli('trace', 'diff', 'one', 'without')).toMatchObject({ status: 125, stderr: expect.stringContaining('it is of a run without --trace') })
    const cut = JSON.parse(readFileSync(path.join(folders.top, 'two'), 'utf8')) as { files: { lost: number } }
    cut.files.lost = 1
    writeFileSync(path.join(folders.top, 'cut'), JSON.stringify(cut))
    expect(cli('trace', 'diff', '--json', 'one', 'cut')).toMatchObject({ status: 125, stdout: expect.stringContaining('ERR_BUILDJAIL_TRACE_INCOMPLETE') })
  })

  test('steers no terminal by a name that the build chose', () => {
    prepare()
    for (const [name, text] of [['one', 'true'], ['two', String.raw`: > "/output/$(printf 'a\n+ read shadow\033[31m')"`]] as const) expect(cli(...script(text, '--output', 'out', '--record', name))).toMatchObject({ status: 0 })
    const { stdout } = cli('trace', 'diff', 'one', 'two')
    expect(stdout.split('\n').filter((line) => line.startsWith('+ '))).toEqual([String.raw`+ written "/output/a\u{a}+ read shadow\u{1b}[31m"`])
  })

  test('is of the same plan in JavaScript', async () => {
    prepare()
    const plan = planOf({ inputs: { src: path.join(folders.top, 'src') }, trace: true })
    const { trace } = await build(plan, ['cat', '/inputs/src/a'])
    expect(trace === undefined ? undefined : filesOf(trace, plan).entries.find(({ entry }) => entry === 'inputs.src')?.read).toEqual({ paths: ['/inputs/src/a'] })
  })
})
