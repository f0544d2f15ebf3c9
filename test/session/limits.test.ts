import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { build, isBuildjailError, openSession, SessionPool, type LimitEvent, type RunLimits, type RunOptions, type Session } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { rejected } from './rejected.ts'
import { beatsMissed, expectSilence } from './silence.ts'

const sh = (script: string): [string, string, string] => ['sh', '-c', script]
const spin = sh('while :; do :; done')
/** More than anybody asked for here, and no end of it. */
const babble = sh('while :; do echo "what nobody wants to know of so much"; done')

/** A session beside another, in which a command runs from before to after. */
async function withNeighbour(act: () => Promise<void>): Promise<void> {
  await using neighbour = await openSession({})
  const running = neighbour.spawn(['cat'])
  await once(running, 'spawn')
  await act()
  running.stdin?.end('still here\n')
  const said: Buffer[] = []
  running.stdout?.on('data', (chunk: Buffer) => said.push(chunk))
  expect(await once(running, 'close')).toEqual([0, null])
  expect(Buffer.concat(said).toString()).toBe('still here\n')
  expect((await neighbour.run(['echo', 'fine'])).stdout).toBe('fine')
}

/** The limit by which a shell ends itself, and how. */
async function ended(session: Session, script: string, limits: RunLimits): Promise<{ readonly limit: string | undefined; readonly signal: string | undefined }> {
  const { limit, signal } = await session.run(sh(script), { limits, reject: false })
  return { limit, signal }
}

describeSession('a limit of each process', () => {
  const folders = useFolders()

  // promise: 41
  test('openFiles holds, of the session and of a run, whichever is smaller; soft and hard', async () => {
    await using session = await openSession({ limits: { openFiles: 64 } })
    const seen = async (limits?: RunLimits): Promise<string> => (await session.run(sh('ulimit -n; ulimit -Hn'), limits === undefined ? {} : { limits })).stdout
    expect(await seen()).toBe('64\n64')
    expect(await seen({ openFiles: 9 })).toBe('9\n9')
    expect(await seen({ openFiles: 1000 })).toBe('64\n64')
    const open = sh('exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null; cat /dev/null && echo opened')
    expect(await session.run(open, { limits: { openFiles: 8 }, reject: false })).toMatchObject({ stdout: '', failed: true, limit: undefined })
    expect((await session.run(open)).stdout).toBe('opened')
  })

  test('openFiles beyond what the host program has is what that has, or what that leaves it', async () => {
    const [, has] = /Max open files\s+\S+\s+(\S+)/.exec(isFreebsd ? '' : readFileSync('/proc/self/limits', 'utf8')) ?? []
    const ours = has === undefined || process.geteuid?.() === 0 ? has : String(Number(has) - Math.min(Math.ceil(Number(has) / 2), 1024))
    const { stdout } = await build({ limits: { openFiles: 2 ** 30 } }, sh('ulimit -Hn'))
    if (ours !== undefined) expect(stdout).toBe(Number(ours) > 2 ** 30 ? String(2 ** 30) : ours)
    expect(Number(stdout)).toBeLessThanOrEqual(2 ** 30)
  })

  // promise: 41
  test.skipIf(process.geteuid?.() !== 0)('is kept by a build that is root, but on FreeBSD', async () => {
    await using session = await openSession({ user: 'root', limits: { openFiles: 64, fileSize: '1M' } })
    const { stdout } = await session.run(sh('ulimit -n 100; ulimit -Hn 100; ulimit -n; ulimit -f unlimited; ulimit -Hf'), { reject: false })
    expect(stdout.startsWith('64')).toBe(!isFreebsd)
    const { stdout: files } = await session.run(sh('(ulimit -f unlimited) 2>/dev/null && echo raised; ulimit -Hn'))
    expect(files).toBe(isFreebsd ? 'raised\n64' : '64')
  })

  // promise: 41
  test('stackSize holds, of the session and of a run, whichever is smaller; soft and hard', async () => {
    await using session = await openSession({ limits: { stackSize: '1M' } })
    const seen = async (limits?: RunLimits): Promise<string> => (await session.run(sh('ulimit -s; ulimit -Hs'), limits === undefined ? {} : { limits })).stdout
    expect(await seen()).toBe('1024\n1024')
    expect(await seen({ stackSize: '256K' })).toBe('256\n256')
    expect(await seen({ stackSize: '2M' })).toBe('1024\n1024')
    expect((await session.record()).limits).toContainEqual({ limit: 'stackSize', value: 2 ** 20, by: 'RLIMIT_STACK' })
    const recursion = sh('f() { [ "$1" -eq 0 ] || f $(($1 - 1)); }; f 900; echo deep')
    expect((await session.run(recursion)).stdout).toBe('deep')
    expect(await session.run(recursion, { limits: { stackSize: '64K' }, reject: false })).toMatchObject({ stdout: '', signal: 'SIGSEGV', limit: undefined })
    const error = await rejected(session.run(['true'], { limits: { stackSize: 'deep' } }))
    expect((error as Error).message).toMatch(/^limits\.stackSize: [^.]*$/)
  })

  test('stackSize leaves the stack of the host program alone', async () => {
    const program = `
      import { build } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      await build({ limits: { stackSize: '64K' } }, ['true'])
      const deep = (left) => (left === 0 ? 0 : 1 + deep(left - 1))
      console.log(deep(5000))
    `
    expect((await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout).toBe('5000\n')
  })

  test('fileSize ends who writes a larger file, and the neighbour does not notice', async () => {
    await withNeighbour(async () => {
      await using session = await openSession({ output: folders.output, limits: { fileSize: '64K' } })
      const fill = 'exec dd if=/dev/zero of=/output/large bs=4096 count=64'
      expect(await ended(session, fill, {})).toEqual({ limit: 'fileSize', signal: 'SIGXFSZ' })
      expect(statSync(path.join(folders.output, 'large')).size).toBe(65_536)
      // As a shell tells of it.
      expect(await ended(session, `(${fill}); exit $?`, { fileSize: '8K' })).toEqual({ limit: 'fileSize', signal: undefined })
      expect(statSync(path.join(folders.output, 'large')).size).toBe(8192)
      const error = await rejected(session.run(sh(fill)))
      expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', limit: 'fileSize', isTerminated: true })
      expect((error as Error).message).toContain('wrote a larger file than limits.fileSize lets it')
    })
  })

  test('cpuTime of a run ends who takes more, also who takes no notice; and the neighbour does not notice', async () => {
    await withNeighbour(async () => {
      await using session = await openSession({})
      // SIGKILL where the kernel looked only after the hard limit had come as well, a second later.
      const byTime = expect.stringMatching(/^SIG(XCPU|KILL)$/) as string
      expect(await ended(session, 'while :; do :; done', { cpuTime: 1000 })).toEqual({ limit: 'cpuTime', signal: byTime })
      expect(await ended(session, 'trap "" XCPU; while :; do :; done', { cpuTime: 1 })).toEqual({ limit: 'cpuTime', signal: 'SIGKILL' })
      expect(await ended(session, 'sleep 2; kill -9 $$', { cpuTime: 1000 })).toEqual({ limit: undefined, signal: 'SIGKILL' })
      expect((await session.run(['echo', 'usable'])).stdout).toBe('usable')
    })
  })

  test('nobody who has no limit has one, nor a limit that ended it', async () => {
    const { stdout } = await build({}, sh('ulimit -f; ulimit -t'))
    expect(stdout).toBe('unlimited\nunlimited')
    expect(await build({}, sh('kill -XFSZ $$'), { reject: false })).toMatchObject({ signal: 'SIGXFSZ', limit: undefined })
  })

  test('openFiles holds for what is built, for a pool and for what is spawned', async () => {
    expect((await build({ limits: { openFiles: 20 } }, sh('ulimit -n'))).stdout).toBe('20')
    await using pool = await SessionPool.open({ limits: { openFiles: 30 } }, { size: 1 })
    expect((await pool.run({ limits: { openFiles: 10 } }, sh('ulimit -n'))).stdout).toBe('10')
    await using session = await pool.acquire({})
    const child = session.spawn(sh('ulimit -n'), { limits: { openFiles: 25 } })
    const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    expect(said.toString()).toBe('25\n')
    await once(child, 'close')
  })
})

describeSession('stdout and stderr of a command', () => {
  const folders = useFolders()
  const stdio = '256K'
  const bytes = 256 * 1024

  // promise: 42
  test('that is collected, to both streams together, ends it with all that it started; the neighbour does not notice', async () => {
    const before = await hostState()
    await withNeighbour(async () => {
      await using session = await openSession({ output: folders.output, limits: { stdio } })
      const result = await session.run(sh('while :; do echo beat >> /output/beats; sleep 0.05; done & while :; do echo out; echo err >&2; done'), { reject: false })
      expect(result).toMatchObject({ limit: 'stdio', signal: 'SIGKILL', isMaxBuffer: false, failed: true })
      expect(result.stdout.length + result.stderr.length).toBeGreaterThan(bytes / 2)
      expect(result.stdout.length + result.stderr.length).toBeLessThanOrEqual(bytes)
      await expectSilence(() => statSync(path.join(folders.output, 'beats')).size)
      expect((await session.run(['echo', 'usable'])).stdout).toBe('usable')
      const error = await rejected(session.run(babble))
      expect(error).toMatchObject({ limit: 'stdio', code: 'ERR_BUILDJAIL_COMMAND_FAILED' })
      expect((error as Error).message).toContain('wrote more to stdout and stderr than limits.stdio lets it')
    })
    await expectSameState(before)
  })

  // promise: 42
  test.for<[string, () => RunOptions]>([
    ['a file', () => ({ stdout: { file: path.join(folders.top, 'log') }, stderr: { file: path.join(folders.top, 'log') } })],
    ['a file and a pipe that is read here', () => ({ stdout: { file: path.join(folders.top, 'log') }, stderr: ['pipe', { file: path.join(folders.top, 'other') }] })],
    ['one pipe', () => ({ all: true })],
    ['a terminal of its own', () => ({ stdio: 'pty' })],
  ])('that goes to %s is counted', async ([, options]) => {
    const script = sh('while :; do echo out; echo err >&2; done')
    expect(await build({}, script, { ...options(), limits: { stdio }, reject: false })).toMatchObject({ limit: 'stdio', signal: 'SIGKILL' })
  })

  test('that goes to a file is there up to the limit and no further, also of a daemon whose command has ended', async () => {
    const [log, daemon] = [path.join(folders.top, 'log'), path.join(folders.top, 'daemon')]
    await using session = await openSession({ limits: { stdio } })
    expect(await session.run(babble, { stdout: { file: log }, reject: false })).toMatchObject({ limit: 'stdio' })
    expect(statSync(log).size).toBe(bytes)
    await session.run(sh('while :; do echo "what nobody wants to know of so much"; done & exit 0'), { stdout: { file: daemon }, stderr: 'ignore', reject: false })
    await expect.poll(() => statSync(daemon).size, { timeout: 30_000 }).toBe(bytes)
    await expectSilence(() => statSync(daemon).size)
    expect(statSync(daemon).size).toBe(bytes)
  })

  test('that somebody reads as it comes is counted', async () => {
    await using session = await openSession({})
    const running = session.run(babble, { limits: { stdio }, reject: false })
    let lines = 0
    for await (const line of running) lines += line === '' ? 0 : 1
    expect(await running).toMatchObject({ limit: 'stdio' })
    expect(lines).toBeGreaterThan(100)
  })

  // promise: 42
  test.for(['read', 'left unread at first'] as const)('of a spawned one is counted where it is %s', async (how) => {
    await using session = await openSession({})
    const child = session.spawn(babble, { limits: { stdio } })
    // Long enough for the pipe to be full.
    if (how === 'left unread at first') await sleep(beatsMissed)
    // Else it would write for ever, and leave no time for anything else.
    let read = 0
    const counted = (chunk: Buffer): unknown => (read += chunk.length) > 50 << 20 && child.kill('SIGKILL')
    child.stdout?.on('data', counted)
    child.stderr?.on('data', counted)
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    expect(child.limit).toBe('stdio')
    expect(read).toBeLessThanOrEqual(bytes)
  })

  // promise: 42
  test('of a spawned one ends for what it left behind as well, which is told', async () => {
    await using session = await openSession({})
    const child = session.spawn(sh('yes & echo $! > /tmp/left; exit 0'), { limits: { stdio } })
    let read = 0
    child.stdout?.on('data', (chunk: Buffer) => (read += chunk.length))
    child.stderr?.resume()
    await once(child, 'close')
    expect(read).toBeLessThanOrEqual(bytes)
    await expect.poll(async () => (await session.run(sh('kill -0 $(cat /tmp/left)'), { reject: false })).failed, { timeout: 20_000 }).toBe(true)
  })

  // promise: 42
  test('to a file: what its command left behind is told that nobody reads it any more', async () => {
    await using session = await openSession({})
    const log = path.join(folders.top, 'log')
    await session.run(sh('yes & echo $! > /tmp/left; exit 0'), { stdout: { file: log }, stderr: 'ignore', limits: { stdio }, reject: false })
    await expect.poll(async () => (await session.run(sh('kill -0 $(cat /tmp/left)'), { reject: false })).failed, { timeout: 20_000 }).toBe(true)
    expect(statSync(log).size).toBeLessThanOrEqual(bytes)
  })

  test('up to the limit is none too much', async () => {
    const exact = ['dd', 'if=/dev/zero', 'bs=1024', 'count=4']
    expect(await build({ limits: { stdio: 4096 } }, exact, { stderr: 'ignore', reject: false })).toMatchObject({ exitCode: 0, limit: undefined, failed: false })
    expect(await build({ limits: { stdio: 4095 } }, exact, { stderr: 'ignore', reject: false })).toMatchObject({ limit: 'stdio', failed: true })
  })

  // promise: 42
  test('that is inherited is passed on and counted, of what is spawned too', async () => {
    const cli = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
    const run = promisify(execFile)(process.execPath, [cli, 'run', '--limit', 'stdio=100K', '--', ...babble], { maxBuffer: 2 ** 24 })
    const { code, stdout, stderr } = (await rejected(run)) as { readonly code: number; readonly stdout: string; readonly stderr: string }
    expect(code).toBe(124)
    expect(stdout.length).toBeGreaterThan(50 * 1024)
    expect(stderr).toMatch(/wrote more to stdout and stderr than --limit stdio=100K lets it/)
    const program = `
      import { openSession } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const session = await openSession({ limits: { stdio: '100K' } })
      session.spawn(${JSON.stringify(babble)}, { stdio: 'inherit' }).once('close', async () => await session.close())
    `
    const spawned = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { maxBuffer: 2 ** 24 })
    expect(spawned.stdout.length + spawned.stderr.length).toBe(100 * 1024)
  })
})

describeSession('the time of a session', () => {
  // promise: 42
  test('wallTime ends all that runs in it, daemons too, and no neighbour; then nothing starts', async () => {
    const before = await hostState()
    await withNeighbour(async () => {
      await using session = await openSession({ limits: { wallTime: 1500 } })
      const events: LimitEvent[] = []
      session.on('limit', (event) => events.push(event))
      await session.run(sh('(while :; do sleep 1; done) > /dev/null 2>&1 &'))
      const [one, other] = await Promise.all([session.run(['sleep', '100'], { reject: false }), session.run(spin, { reject: false })])
      for (const result of [one, other]) expect(result).toMatchObject({ limit: 'wallTime', signal: 'SIGKILL', timedOut: false })
      expect(events).toEqual([{ session: session.id, limit: 'wallTime', used: expect.any(Number) as number, most: 1500 }])
      expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_EXCEEDED', limit: 'wallTime' })
    })
    await expectSameState(before)
  })

  test('wallTime ends a build, and a command of a pool', async () => {
    const before = await hostState()
    expect(await build({ limits: { wallTime: 400 } }, sh('sleep 100 & sleep 100'), { reject: false })).toMatchObject({ limit: 'wallTime', signal: 'SIGKILL' })
    const pool = await SessionPool.open({}, { size: 1 })
    expect(await pool.run({ limits: { wallTime: 400 } }, ['sleep', '100'], { reject: false })).toMatchObject({ limit: 'wallTime', signal: 'SIGKILL' })
    await pool.close()
    await expectSameState(before)
  })

  // Each for itself takes less than the limit.
  const manyShort = sh('while :; do sh -c "j=0; while [ \\$j -lt 20000 ]; do j=\\$((j+1)); done"; done')

  // promise: 42
  test('cpuTime of all processes together ends them, where the system counts it; else the session is refused', async (context) => {
    const before = await hostState()
    const opened = await openSession({ limits: { cpuTime: 1500 } }).catch((error: unknown) => error)
    if (isBuildjailError(opened)) {
      expect(opened).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_UNSUPPORTED', limit: 'cpuTime' })
      await expectSameState(before)
      return context.skip(`no session has a cpuTime here: ${opened.message}`)
    }
    await using session = opened as Session
    await withNeighbour(async () => {
      expect(await session.run(manyShort, { reject: false })).toMatchObject({ limit: 'cpuTime', signal: 'SIGKILL' })
    })
    expect((await session.usage()).cpuTime).toBeGreaterThanOrEqual(1500)
    expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_EXCEEDED', limit: 'cpuTime' })
  })

  test('cpuTime ends a build, whose session nobody has while it runs; else the build is refused', async (context) => {
    const before = await hostState()
    const result = await build({ limits: { cpuTime: 1500 } }, manyShort, { reject: false }).catch((error: unknown) => error)
    if (isBuildjailError(result)) {
      expect(result).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_UNSUPPORTED', limit: 'cpuTime' })
      await expectSameState(before)
      return context.skip(`no build has a cpuTime here: ${result.message}`)
    }
    expect(result).toMatchObject({ limit: 'cpuTime', signal: 'SIGKILL' })
    await expectSameState(before)
  })
})

describeSession('the limits of outputs', () => {
  const folders = useFolders()

  // Root looks into a folder that its build has shut.
  const [made, mode] = process.geteuid?.() === 0 ? ['/output/shut', '300'] : ['/output/open', '755']

  // promise: 42
  test.each([
    ['outputSize', { outputSize: '4M' }, `mkdir -m ${mode} ${made}; i=0; while :; do dd if=/dev/zero of=${made}/f$i bs=1M count=2 2>/dev/null; i=$((i + 1)); sleep 0.1; done`],
    ['outputFiles', { outputFiles: 50 }, 'i=0; while :; do mkdir -p /output/d$i; echo > /output/d$i/f; i=$((i + 1)); sleep 0.01; done'],
  ] as const)('%s ends what writes more to its outputs; then nothing starts', async (limit, limits, script) => {
    await using session = await openSession({ output: folders.output, limits })
    // A hole takes nothing.
    expect((await session.run(sh('dd of=/output/hole bs=1 count=0 seek=100M 2>/dev/null; sleep 1.2'))).exitCode).toBe(0)
    expect(await session.run(sh(script), { reject: false, timeout: 20_000 })).toMatchObject({ limit, signal: 'SIGKILL', timedOut: false })
    expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_EXCEEDED', limit })
    expect((await session.record()).limits).toContainEqual({ limit, value: limit === 'outputSize' ? 4 * 1024 * 1024 : 50, by: 'buildjail' })
    await session.close()
    const again = { output: folders.output, limits }
    // What was there before is in it.
    expect(await build(again, ['sleep', '20'], { reject: false })).toMatchObject({ limit, signal: 'SIGKILL' })
    await using pool = await SessionPool.open({}, { size: 1 })
    expect(await pool.run(again, ['sleep', '20'], { reject: false })).toMatchObject({ limit, signal: 'SIGKILL' })
  })

  // promise: 42
  test('outputSize counts nothing that a link of a build leads to, nor what is mounted in an output', async () => {
    await using session = await openSession({ outputs: { '/output': folders.output }, inputs: { '/output/inner': '/usr/bin' }, limits: { outputSize: '4M' } })
    expect((await session.run(sh('ln -s / /output/link; sleep 2.5'))).exitCode).toBe(0)
  })
})

describeSession('the limits of /tmp', () => {
  test('tmpSize and tmpFiles end what is written there, and are no matter of the neighbour', async () => {
    await withNeighbour(async () => {
      await using session = await openSession({ limits: { tmpSize: '1M', tmpFiles: 100 } })
      const full = await session.run(sh('dd if=/dev/zero of=/tmp/full bs=65536 count=64; rm /tmp/full'), { reject: false })
      expect(full.stderr).toContain('No space left on device')
      const made = await session.run(sh('(i=0; while [ $i -lt 200 ] && : > /tmp/f$i; do i=$((i+1)); done); ls /tmp | wc -l'), { reject: false })
      expect(Number(made.stdout)).toBeGreaterThan(50)
      expect(Number(made.stdout)).toBeLessThanOrEqual(100)
    })
  })
})

describeSession('a command that fails with a full /tmp', () => {
  const fill = 'dd if=/dev/zero of=/tmp/full bs=65536 count=64 2>/dev/null'
  const crowd = 'i=0; while [ $i -lt 200 ]; do (: > /tmp/f$i) 2>/dev/null || exit 3; i=$((i+1)); done'
  const spec = { limits: { tmpSize: '1M', tmpFiles: 100 } } as const

  test('is said to have come to that limit, of a session, of build and of a pool', async () => {
    await using session = await openSession(spec)
    expect(await ended(session, fill, {})).toMatchObject({ limit: 'tmpSize' })
    const error = await rejected(session.run(sh(fill)))
    expect((error as Error).message).toContain('wrote more to /tmp than limits.tmpSize lets it')
    expect(await ended(session, `rm /tmp/full; ${crowd}`, {})).toMatchObject({ limit: 'tmpFiles' })
    expect(await build(spec, sh(fill), { reject: false })).toMatchObject({ failed: true, limit: 'tmpSize' })
    await using pool = await SessionPool.open(spec, { size: 1 })
    expect(await pool.run({}, sh(fill), { reject: false })).toMatchObject({ failed: true, limit: 'tmpSize' })
  })

  test('is not, where it made room again, succeeded all the same, or was ended by its caller', async () => {
    await using session = await openSession(spec)
    expect(await ended(session, `${fill}; rm /tmp/full; false`, {})).toMatchObject({ limit: undefined })
    expect(await session.run(sh(`${fill}; true`))).toMatchObject({ failed: false, limit: undefined })
    expect(await build(spec, sh(`${fill}; true`))).toMatchObject({ failed: false, limit: undefined })
    expect(await session.run(sh('sleep 60'), { timeout: 100, reject: false })).toMatchObject({ timedOut: true, limit: undefined })
  })
})

describeSession('record() of limits', () => {
  test('has those of each command and of this program, with who holds them', async () => {
    await using session = await openSession({ limits: { openFiles: 64, wallTime: 60_000 } })
    expect((await session.record()).limits).toEqual([
      { limit: 'openFiles', value: 64, by: 'RLIMIT_NOFILE' },
      { limit: 'wallTime', value: 60_000, by: 'buildjail' },
    ])
  })
})
