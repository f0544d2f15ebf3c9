import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { kernelSync } from '../../src/freebsd/index.ts'
import { build, openSession, recover, type SessionRecord, type Spec } from '../../src/index.ts'
import type { Trace, TracedFile } from '../../src/native/trace.ts'
import { armed, attack } from '../session/attacks/attack.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'
import { namesIn } from './ktrace-names.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip
const minutes = 60_000
const ways = ['clear', 'calls', 'names', 'child', 'file']

const fileOf = (trace: Trace | undefined, name: string): TracedFile | undefined => trace?.files.find((file) => file.path === name)
const traceFolderOf = (record: SessionRecord): string => `${record.root}.trace`

async function traced(command: readonly [string, ...string[]], spec: Spec = {}): Promise<Trace> {
  const { trace } = await build(armed({ ...spec, trace: true }), command)
  if (trace === undefined) throw new Error('no trace')
  return trace
}

describeProbed('a trace of looked-up paths', () => {
  const folders = useFolders()
  const programs = usePrograms()

  test('has what was found, missing and refused, by each way to a folder and to a process', async () => {
    const trace = await traced(attack('looks_up', 'ways'))
    const shown = Object.fromEntries(
      [
        '/tmp/w',
        '/tmp/w/by-chdir',
        '/tmp/w/by-up',
        '/tmp/w/d/by-descriptor',
        '/tmp/w/d/by-copy',
        '/tmp/w/d/made',
        '/tmp/w/d/by-fchdir',
        '/tmp/w/d/by-fork',
        '/tmp/w/by-fork-above',
        '/tmp/w/d/by-vfork',
        '/tmp/w/d/by-rfork',
        '/tmp/w/d',
        '/tmp/w/d/link',
        '/tmp/w/d/moved',
        '/tmp/w/d/written',
        '/new-in-root',
        '/dev/null',
      ].map((name) => {
        const file = fileOf(trace, name)
        return [name, file && [file.first, file.found.join(), file.uses.join()].join(' ')]
      }),
    )
    expect(shown).toEqual({
      '/tmp/w': 'missing found,missing look,write',
      '/tmp/w/by-chdir': 'missing missing look',
      '/tmp/w/by-up': 'missing missing look',
      '/tmp/w/d/by-descriptor': 'missing missing look',
      '/tmp/w/d/by-copy': 'missing missing look',
      '/tmp/w/d/made': 'missing found,missing write',
      '/tmp/w/d/by-fchdir': 'missing missing look',
      '/tmp/w/d/by-fork': 'missing missing look',
      '/tmp/w/by-fork-above': 'missing missing look',
      '/tmp/w/d/by-vfork': 'missing missing execute',
      '/tmp/w/d/by-rfork': 'missing missing look',
      '/tmp/w/d': 'missing found,missing look,write,list',
      '/tmp/w/d/link': 'missing found,missing look,write',
      '/tmp/w/d/moved': 'found found write',
      '/tmp/w/d/written': 'missing found,missing write',
      '/new-in-root': 'refused refused write',
      '/dev/null': 'found found read,write',
    })
    expect(trace.lost).toBe(0)
    const program = '/inputs/probe/looks_up'
    expect(fileOf(trace, program)).toMatchObject({ first: 'found', uses: ['execute'] })
    expect(trace.programs).toEqual([{ path: program, argv0: program, processes: expect.any(Number) as number }])
    // The loader of the program is looked up by the kernel.
    expect(fileOf(trace, '/libexec/ld-elf.so.1')?.uses).toContain('execute')
    expect(trace.processes.length).toBe(4)
  })

  test('has no path below a folder that a child did not get', async (context) => {
    context.skip(!kernelSync().features.jailDescriptors, 'close-on-fork came with 15.0')
    const trace = await traced(attack('looks_up', 'unforked'))
    expect(fileOf(trace, '/tmp/by-unforked')).toBeUndefined()
    expect(trace.lost).toBeGreaterThan(0)
  })

  test('has each path that the kernel looked up for a build of many commands', { timeout: 3 * minutes }, async () => {
    writeFileSync(path.join(folders.input, 'Makefile'), `all: ${[1, 2, 3, 4, 5, 6].map((n) => `/output/${n}`).join(' ')}\n/output/%:\n\n.for n in 1 2 3 4 5 6\n/output/\${n}: given.txt\n\tcd /output && mkdir -p d\${n} && cp /inputs/input/given.txt d\${n}/ && ls -R . >/dev/null && cat ./d\${n}/../d\${n}/given.txt > \${n}\n.endfor\n`)
    const spec: Spec = { inputs: { input: folders.input }, output: folders.output, cwd: '/inputs/input', trace: true }
    const session = await openSession(spec)
    try {
      const record = await session.record()
      const { exitCode, stderr } = await session.run(['make', '-j', '4'], { reject: false })
      expect([exitCode, stderr]).toEqual([0, ''])
      const names = namesIn(path.join(traceFolderOf(record), 'ktrace'))
      await session.close()
      const trace = await session.trace()
      expect(trace.lost).toBe(0)
      expect(names.length).toBeGreaterThan(300)
      const paths = trace.files.map((file) => file.path)
      const all = new Set(paths)
      // `/` is looked at by a launch, to know the jail. What is relative is a path's end, without its `..`.
      const isThere = (name: string): boolean => {
        const plain = path.posix.normalize(name).replace(/(?<=.)\/$/, '')
        return plain.startsWith('/') ? all.has(plain) : paths.some((one) => plain === '.' || `${one}/`.includes(`/${plain.replace(/^(\.\.\/?)+/, '')}`))
      }
      expect([...new Set(names.filter((name) => name !== '' && name !== '/' && !isThere(name)))]).toEqual([])
      expect(trace.programs.map((program) => program.argv0)).toEqual(expect.arrayContaining(['make', 'ls', 'cat', 'cp', 'mkdir']))
    } finally {
      await session.close()
    }
  })

  test('has what the threads of Bun look up', async () => {
    const bun = process.execPath
    const script = "const fs = require('node:fs'); process.chdir('/tmp'); Promise.allSettled(Array.from({ length: 50 }, (_, n) => fs.promises.readFile('by-thread-' + n)))"
    const trace = await traced([`/inputs/runtime/${path.basename(bun)}`, '-e', script], { inputs: { runtime: path.dirname(bun) } })
    expect(trace.files.filter((file) => file.path.startsWith('/tmp/by-thread-') && file.first === 'missing' && file.uses.includes('read')).length).toBe(50)
    expect(trace.lost).toBe(0)
  })

  test('loses none of 5,000', async () => {
    const trace = await traced(attack('looks_up', 'many', '5000'))
    expect(trace.lost).toBe(0)
    expect(trace.files.filter((file) => file.path.startsWith('/tmp/missing-')).length).toBe(5000)
  })

  test('loses nothing of more than its file has room for, because that is read meanwhile', { timeout: 4 * minutes }, async () => {
    const trace = await traced(attack('looks_up', 'long', '60000'))
    expect(trace.lost).toBe(0)
    expect(trace.files.filter((file) => file.path.startsWith('/tmp/xxx')).map((file) => file.count)).toEqual(Array.from({ length: 100 }, () => 600))
  })

  // promise: 55
  test('tells what the kernel had no memory to keep', async () => {
    const pool = (count: string): string => execFileSync('sysctl', [`kern.ktrace.request_pool=${count}`], { encoding: 'utf8' })
    pool('1')
    try {
      const trace = await traced(['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do ls -R /usr/share/locale >/dev/null & done; wait'])
      expect(trace.lost).toBeGreaterThan(0)
    } finally {
      pool('100')
    }
  })

  // promise: 55
  test('of a build that goes round in links, and forks, takes bounded memory', { timeout: 2 * minutes }, async () => {
    const session = await openSession(armed({ trace: true }))
    try {
      const before = process.memoryUsage.rss()
      const child = session.spawn(attack('looks_up', 'round', '2000'), { stdio: ['ignore', 'pipe', 'inherit'] })
      if (child.stdout === null) throw new Error('no output')
      expect(String((await once(child.stdout, 'data'))[0])).toBe('ok\n')
      // It waits in a folder that is not known.
      await expect.poll(async () => (await session.trace()).lost, { timeout: minutes }).toBeGreaterThan(1000)
      expect(process.memoryUsage.rss() - before).toBeLessThan(128 << 20)
    } finally {
      await session.close()
    }
  })

  // promise: 55
  test('tells of a command that found no room in its file at all', async () => {
    const session = await openSession({ trace: true })
    try {
      const { root } = await session.record()
      const filler = `${root}.trace/filler`
      writeFileSync(filler, '')
      for (const size of [1 << 20, 4096]) {
        expect(() => {
          for (;;) appendFileSync(filler, Buffer.alloc(size))
        }).toThrow('ENOSPC')
      }
      await session.run(['true'])
      rmSync(filler)
      await session.close()
      expect(await session.trace()).toMatchObject({ programs: [], lost: 1 })
    } finally {
      await session.close()
    }
  })

  test('leaves nothing of a session whose opening fails at it, for lack of descriptors', { timeout: 2 * minutes }, async () => {
    const before = await hostState()
    const script = fileURLToPath(new URL('trace-without-descriptors.mjs', import.meta.url))
    const steps = JSON.parse(execFileSync('sh', ['-c', 'ulimit -n 128 && exec "$0" "$1"', process.execPath, script], { encoding: 'utf8' })) as string[]
    expect(steps).toContain('trace')
    await expectSameState(before)
  })

  test('is the session’s alone: no user of the host enters the folder of its file, and nothing is left of it', async () => {
    const before = await hostState()
    const session = await openSession({ trace: true })
    const folder = traceFolderOf(await session.record())
    expect(statfsSync(folder).blocks * statfsSync(folder).bsize).toBeLessThanOrEqual(64 * 1024 * 1024)
    expect(readdirSync(folder)).toEqual(['ktrace'])
    await session.close()
    expect(existsSync(folder)).toBe(false)
    await expectSameState(before)
  })

  test('a session without it has no such folder', async () => {
    await using session = await openSession({})
    expect(existsSync(traceFolderOf(await session.record()))).toBe(false)
    await expect(session.trace()).rejects.toThrow(TypeError)
  })

  // A kernel that lets root of a jail do that (prison_priv_check, PRIV_KTRACE) has the loss told.
  test.each(ways.flatMap((way) => [[way, {} as Spec], [way, { user: 'root' } as Spec]] as const))('a build ends it never, or that is told (%s, %o)', async (way, spec) => {
    const { trace, stdout } = await build(armed({ ...spec, trace: true }), attack('looks_up', 'stop', way))
    if (stdout === 'ok') expect(trace?.lost).toBeGreaterThan(0)
    else expect([stdout, fileOf(trace, '/stopped')?.first, trace?.lost]).toEqual(['EPERM', 'missing', 0])
    if (spec.user === undefined) expect(stdout).toBe('EPERM')
  })

  test('that a journal tells of in a folder that is not its session’s is not taken away', { timeout: 2 * minutes }, async () => {
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    const journal = `${program.record.root}.journal`
    const before = readFileSync(journal, 'utf8')
    appendFileSync(journal, `trace folder ${folders.input}\n`)
    const { leftAlone } = await recover()
    expect(leftAlone).toMatchObject([{ reason: expect.stringContaining('a folder for its trace') as string }])
    expect(existsSync(folders.input)).toBe(true)
    writeFileSync(journal, before)
    expect(await recover()).toMatchObject({ recovered: [{ id: program.record.id }], leftAlone: [] })
  })

  const controller = fileURLToPath(new URL('trace-controller.mjs', import.meta.url))

  /** A host program of its own, with a build that floods its trace. */
  async function flooded(): Promise<{ readonly program: ReturnType<typeof spawn>; readonly record: SessionRecord; readonly line: () => Promise<unknown> }> {
    const program = spawn(process.execPath, [controller, JSON.stringify(armed({ trace: true })), JSON.stringify(attack('looks_up', 'flood', '2'))], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface(program.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
    const line = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value))
    return { program, record: (await line()) as SessionRecord, line }
  }

  /** Until no more comes into the file. */
  async function full(folder: string): Promise<void> {
    await expect.poll(() => statfsSync(folder).bavail, { timeout: 4 * minutes, interval: 500 }).toBeLessThan(16)
  }

  // promise: 55
  test('a build that floods it while nothing is read fills no more than its own file, and the trace says that calls are lost', { timeout: 6 * minutes }, async () => {
    const before = await hostState()
    const { program, record, line } = await flooded()
    try {
      program.kill('SIGSTOP')
      await full(traceFolderOf(record))
      program.kill('SIGCONT')
      program.stdin?.end()
      const end = (await line()) as { files: number; lost: number; memory: number }
      expect(end.lost).toBeGreaterThan(0)
      expect(end.files).toBeGreaterThan(1000)
      await expectSameState(before)
    } finally {
      program.kill('SIGKILL')
    }
  })

  test('of a host program that was killed, nothing of it is left', { timeout: 3 * minutes }, async () => {
    const before = await hostState()
    const { program, record } = await flooded()
    const over = once(program, 'exit')
    program.kill('SIGKILL')
    await over
    await expect.poll(async () => (await recover(), existsSync(traceFolderOf(record))), { timeout: minutes }).toBe(false)
    await expectSameState(before)
  })
})
