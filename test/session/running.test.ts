import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { build, CommandError, openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

describeSession('running commands', () => {
  const folders = useFolders()

  test('a result says what ran, how it ended and what it took', async () => {
    const result = await build({}, ['sh', '-c', 'echo out; echo err >&2'])
    expect(result).toMatchObject({ exitCode: 0, signal: undefined, stdout: 'out\n', stderr: 'err\n', timedOut: false, isCanceled: false })
    expect(result.command).toBe(`sh -c 'echo out; echo err >&2'`)
    expect(result.durationMs).toBeGreaterThan(0)
    expect(result.usage.maxRssBytes).toBeGreaterThan(0)
  })

  // One shell, which starts nothing: it cannot have had more of a processor than there was time.
  test('a result says how much of the processor the command took', async () => {
    const counting = async (to: number): Promise<{ cpuMs: number; durationMs: number }> => {
      const { usage, durationMs } = await build({}, ['sh', '-c', `i=0; while [ $i -lt ${to} ]; do i=$((i + 1)); done`])
      return { cpuMs: (usage.userUs + usage.systemUs) / 1000, durationMs }
    }
    const [little, much] = [await counting(1), await counting(100_000)]
    expect(much.cpuMs).toBeGreaterThan(little.cpuMs + 20)
    expect(much.cpuMs).toBeLessThan(much.durationMs + 20)
  })

  test('a command that fails rejects with its result, or resolves when told to', async () => {
    await using session = await openSession({})
    const error = await session.run(['sh', '-c', 'echo why >&2; exit 3']).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', result: { exitCode: 3, stderr: 'why\n' } })
    expect((await session.run(['sh', '-c', 'exit 4'], { reject: false })).exitCode).toBe(4)
  })

  test('a command ended by a signal says which', async () => {
    const result = await build({}, ['sh', '-c', 'kill -SEGV $$'], { reject: false })
    expect(result).toMatchObject({ exitCode: undefined, signal: 'SIGSEGV' })
  })

  test.each([
    ['a string', (): string => 'given in'],
    ['bytes', (): Uint8Array => Buffer.from('given in')],
    ['a stream', (): Readable => Readable.from(['given ', 'in'])],
  ])('stdin comes from %s', async (_, input) => {
    expect((await build({}, ['cat'], { input: input() })).stdout).toBe('given in')
  })

  test('stdin is empty when none is given', async () => {
    expect((await build({}, ['cat'])).stdout).toBe('')
  })

  test('a command that does not read its stdin does no harm', async () => {
    expect((await build({}, ['true'], { input: 'x'.repeat(1_000_000) })).exitCode).toBe(0)
  })

  test('output of several megabytes arrives whole, on both streams', async () => {
    const script = 'dd if=/dev/zero bs=65536 count=64 2>/dev/null; dd if=/dev/zero bs=65536 count=32 2>/dev/null | cat >&2'
    const { stdout, stderr } = await build({}, ['sh', '-c', script])
    expect(stdout.length).toBe(64 * 65536)
    expect(stderr.length).toBe(32 * 65536)
  })

  test('more output than maxBuffer ends the command and says so', async () => {
    const error = await build({}, ['sh', '-c', 'while :; do echo more; done'], { maxBuffer: 10_000 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_MAX_BUFFER', result: { signal: 'SIGKILL' } })
    expect((error as CommandError).result.stdout.length).toBe(10_000)
  })

  test('stdout goes to a file of the host, appended', async () => {
    const file = path.join(folders.top, 'log')
    writeFileSync(file, 'before\n')
    const { stdout } = await build({}, ['echo', 'logged'], { stdout: { file } })
    expect(stdout).toBe('')
    expect(readFileSync(file, 'utf8')).toBe('before\nlogged\n')
  })

  test('stdin comes from a file of the host', async () => {
    const file = path.join(folders.input, 'given.txt')
    expect((await build({}, ['cat'], { stdin: { file } })).stdout).toBe('given\n')
  })

  test('the working directory and the environment can be set for one command', async () => {
    mkdirSync(path.join(folders.input, 'sub'))
    await using session = await openSession({ inputs: { src: folders.input }, env: { A: 'session', B: 'session' } })
    const options = { cwd: '/inputs/src/sub', env: { A: 'run' } }
    expect((await session.run(['sh', '-c', 'pwd; echo $A $B'], options)).stdout).toBe('/inputs/src/sub\nrun session\n')
    expect((await session.run(['sh', '-c', 'pwd; echo $A $B'])).stdout).toBe('/tmp\nsession session\n')
  })

  test('commands of one session run at the same time, and see each other', async () => {
    await using session = await openSession({})
    const waiter = session.run(['sh', '-c', 'until [ -e /tmp/ready ]; do sleep 0.05; done; echo seen'], { timeout: 20_000 })
    await session.run(['touch', '/tmp/ready'])
    expect((await waiter).stdout).toBe('seen\n')
  })

  test('a spawned process has the streams, the events and the end of a ChildProcess', async () => {
    await using session = await openSession({})
    const child = session.spawn(['sh', '-c', 'read line; echo "got $line"; echo err >&2; exit 5'])
    expect(child.exitCode).toBe(null)
    const events: string[] = []
    child.on('spawn', () => events.push('spawn'))
    child.on('exit', (code, signal) => events.push(`exit ${code} ${signal}`))
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
    child.stdin?.end('line\n')
    const [out, err] = await Promise.all([text(child.stdout ?? Readable.from([])), text(child.stderr ?? Readable.from([]))])
    await closed
    expect([out, err]).toEqual(['got line\n', 'err\n'])
    expect(events).toEqual(['spawn', 'exit 5 null'])
    expect([child.exitCode, child.signalCode, child.killed]).toEqual([5, null, false])
    expect(child.pid).toBeGreaterThan(0)
    expect(child.kill()).toBe(false)
  })

  test('a spawned process can be killed before we hear that it has started', async () => {
    await using session = await openSession({})
    const child = session.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] })
    const ended = new Promise((resolve) => child.once('exit', (...how) => resolve(how)))
    expect([child.kill(), child.kill(0), child.killed]).toEqual([true, true, true])
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect([child.kill(), child.kill(0)]).toEqual([false, false])
  })

  test('a spawned process that could not be started has no use for what was written to it', async () => {
    await using session = await openSession({})
    const child = session.spawn(['no-such-command'])
    const failed = new Promise<Error>((resolve) => child.once('error', resolve))
    child.stdin?.write('x'.repeat(1_000_000))
    expect(await failed).toMatchObject({ code: 'ENOENT' })
    expect([child.kill(), child.pid]).toEqual([false, undefined])
  })

  test('a spawned process is killed by name of the signal, with its group', async () => {
    await using session = await openSession({})
    const child = session.spawn(['sh', '-c', 'sleep 100 & wait'], { stdio: ['ignore', 'ignore', 'ignore'] })
    await new Promise<void>((resolve) => child.once('spawn', () => resolve()))
    const ended = new Promise((resolve) => child.once('exit', (...how) => resolve(how)))
    expect(child.kill('SIGKILL')).toBe(true)
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect([child.stdin, child.stdout, child.stderr]).toEqual([null, null, null])
  })
})
