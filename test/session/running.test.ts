import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { build, CommandError, openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'
import { expectSilence } from './silence.ts'

describeSession('running commands', () => {
  const folders = useFolders()

  test('a result says what ran, how it ended and what it took', async () => {
    const result = await build({}, ['sh', '-c', 'echo out; echo err >&2'])
    expect(result).toMatchObject({ exitCode: 0, signal: undefined, stdout: 'out', stderr: 'err', timedOut: false, isCanceled: false })
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
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', exitCode: 3, stderr: 'why' })
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
    const error = await build({}, ['sh', '-c', 'while :; do echo more; done'], { maxBuffer: 10_000, stripFinalNewline: false }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_MAX_BUFFER', signal: 'SIGKILL' })
    expect((error as CommandError).stdout.length).toBe(10_000)
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
    expect((await build({}, ['cat'], { stdin: { file } })).stdout).toBe('given')
  })

  test('the working directory and the environment can be set for one command', async () => {
    mkdirSync(path.join(folders.input, 'sub'))
    await using session = await openSession({ inputs: { src: folders.input }, env: { A: 'session', B: 'session' } })
    const options = { cwd: '/inputs/src/sub', env: { A: 'run' } }
    expect((await session.run(['sh', '-c', 'pwd; echo $A $B'], options)).stdout).toBe('/inputs/src/sub\nrun session')
    expect((await session.run(['sh', '-c', 'pwd; echo $A $B'])).stdout).toBe('/tmp\nsession session')
    // What is undefined is taken out, of the defaults as well.
    const { stdout } = await session.run(['sh', '-c', 'echo ${A-none} ${LC_ALL-none} $B'], { env: { A: undefined, LC_ALL: undefined, NEVER: undefined } })
    expect(stdout).toBe('none none session')
  })

  test('commands of one session run at the same time, and see each other', async () => {
    await using session = await openSession({})
    const waiter = session.run(['sh', '-c', 'until [ -e /tmp/ready ]; do sleep 0.05; done; echo seen'], { timeout: 20_000 })
    await session.run(['touch', '/tmp/ready'])
    expect((await waiter).stdout).toBe('seen')
  })

  test('output is heard while the command runs, and is in the result as well', async () => {
    await using session = await openSession({})
    const running = session.run(['sh', '-c', 'echo one; until [ -e /tmp/go ]; do sleep 0.02; done; echo two'], { timeout: 20_000 })
    const lines: string[] = []
    for await (const line of running) {
      lines.push(line)
      if (line === 'one') await session.run(['touch', '/tmp/go'])
    }
    expect(lines).toEqual(['one', 'two'])
    expect((await running).stdout).toBe('one\ntwo')
  })

  test('a loop over its lines that is left ends the command and what it started', async () => {
    await using session = await openSession({})
    const running = session.run(['sh', '-c', '(while :; do echo . >> /tmp/beats; sleep 0.05; done) & while :; do echo more; done'])
    for await (const line of running) {
      expect(line).toBe('more')
      break
    }
    expect(await running.catch((reason: unknown) => reason)).toMatchObject({ isCanceled: true })
    const beats = async (): Promise<string> => (await session.run(['wc', '-c', '/tmp/beats'], { reject: false })).stdout
    await expectSilence(beats)
  })

  test('all has both streams exactly as they were written', async () => {
    const script = 'i=0; while [ $i -lt 50 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'
    const expected = Array.from({ length: 50 }, (_, index) => [`out ${index}`, `err ${index}`]).flat()
    await using session = await openSession({})
    const running = session.run(['sh', '-c', script], { all: true, lines: true })
    const lines: string[] = []
    for await (const line of running) lines.push(line)
    expect([lines, (await running).all]).toEqual([expected, expected])
    expect(await session.run(['sh', '-c', script], { all: true, lines: true })).toMatchObject({ all: expected, stdout: [], stderr: [] })
  })

  test('several megabytes come whole through a pipe that is listened to', async () => {
    await using session = await openSession({})
    const running = session.run(['sh', '-c', 'dd if=/dev/zero bs=65536 count=64 2>/dev/null'], { encoding: 'buffer' })
    let heard = 0
    running.stdout?.on('data', (chunk: Buffer) => (heard += chunk.length))
    const { stdout } = await running
    expect([heard, stdout.length]).toEqual([64 * 65536, 64 * 65536])
  })

  test('output goes to the result and to files of the host at once', async () => {
    const [one, other] = ['one', 'other'].map((name) => path.join(folders.top, name)) as [string, string]
    writeFileSync(one, 'before\n')
    const { stdout } = await build({}, ['echo', 'said'], { stdout: ['pipe', { file: one }, { file: other }] })
    expect([stdout, readFileSync(one, 'utf8'), readFileSync(other, 'utf8')]).toEqual(['said', 'before\nsaid\n', 'said\n'])
  })

  test('a running command is written to, and answers', async () => {
    await using session = await openSession({})
    const running = session.run(['sh', '-c', 'read line; echo "got $line"'])
    running.stdin?.end('this\n')
    expect((await running).stdout).toBe('got this')
  })

  test('a running command has a pid of the host, and gets signals by name and number', async () => {
    await using session = await openSession({})
    const running = session.run(['sh', '-c', 'trap "echo one" USR1; trap "echo two; exit 5" TERM; echo ready; while :; do sleep 0.02; done'], { reject: false })
    const seen: string[] = []
    for await (const line of running) {
      seen.push(line)
      if (line === 'ready') {
        await expect.poll(() => running.pid).toBeGreaterThan(0)
        expect(() => process.kill(running.pid ?? -1, 0)).not.toThrow()
        running.kill('SIGUSR1')
      } else if (line === 'one') running.kill(15)
    }
    expect(seen).toEqual(['ready', 'one', 'two'])
    expect([(await running).exitCode, running.pid, running.kill()]).toEqual([5, undefined, false])
  })

  test('a timeout ends the command and what it started, and no other of its session', async () => {
    await using session = await openSession({})
    const neighbour = session.run(['sh', '-c', 'until [ -e /tmp/over ]; do sleep 0.02; done; echo well'], { timeout: 20_000 })
    const late = await session.run(['sh', '-c', '(while :; do echo . >> /tmp/beats; sleep 0.05; done) & sleep 100'], { timeout: 500, reject: false })
    expect(late).toMatchObject({ timedOut: true, signal: 'SIGTERM' })
    const beats = async (): Promise<string> => (await session.run(['wc', '-c', '/tmp/beats'])).stdout
    await expectSilence(beats)
    await session.run(['touch', '/tmp/over'])
    expect((await neighbour).stdout).toBe('well')
  })

  test('a timeout ends a daemon of the command as well that ignores the signal which ended the command', async () => {
    await using session = await openSession({})
    // setsid(1) is Linux's only.
    const script = '($(command -v setsid) sh -c \'trap "" TERM; while :; do echo . >> /tmp/beats; sleep 0.05; done\' &); while [ ! -s /tmp/beats ]; do sleep 0.05; done; sleep 100'
    await expect(session.run(['sh', '-c', script], { timeout: process.env['BUILDJAIL_IN_GUEST'] === undefined ? 500 : 5000 })).rejects.toMatchObject({ timedOut: true, signal: 'SIGTERM' })
    const beats = async (): Promise<string> => (await session.run(['wc', '-c', '/tmp/beats'])).stdout
    expect(await beats()).not.toMatch(/^\s*0 /)
    await expectSilence(beats)
  })

  test('a hundred thousand arguments arrive, and of a million the kernel says that they are too many', async () => {
    await using session = await openSession({})
    const count = ['sh', '-c', 'echo $#', 'sh']
    expect((await session.run([...count, ...Array<string>(100_000).fill('a')])).stdout).toBe('100000')
    expect((await session.run([...count, 'x'.repeat(120 * 1024)])).stdout).toBe('1')
    await expect(session.run([...count, ...Array<string>(1_000_000).fill('a')])).rejects.toMatchObject({ code: 'E2BIG', syscall: 'execve' })
  })

  test('a command that is listened to does not wait for a daemon that keeps its stdout', async () => {
    await using session = await openSession({})
    const running = session.run(['sh', '-c', 'echo before; sleep 100 &'], { timeout: 20_000 })
    const listened = text(running.stdout ?? Readable.from([]))
    expect([(await running).stdout, await listened]).toEqual(['before', 'before\n'])
  })

  test('a spawned process has a timeout and a signal, and stdio in one word', async () => {
    await using session = await openSession({})
    const endOf = (child: ReturnType<typeof session.spawn>): Promise<unknown> => new Promise((resolve) => child.once('exit', (...how) => resolve(how)))
    expect(await endOf(session.spawn(['sleep', '100'], { stdio: 'ignore', timeout: 300, killSignal: 'SIGINT' }))).toEqual([null, 'SIGINT'])
    const controller = new AbortController()
    const child = session.spawn(['sleep', '100'], { stdio: 'ignore', signal: controller.signal, killSignal: 'SIGKILL' })
    const failed = new Promise((resolve) => child.once('error', resolve))
    const ended = endOf(child)
    controller.abort()
    expect([await failed, await ended]).toMatchObject([{ name: 'AbortError' }, [null, 'SIGKILL']])
  })

  test('a spawned process has the streams, the events and the end of a ChildProcess', async () => {
    await using session = await openSession({})
    const child = session.spawn(['sh', '-c', 'read line; echo "got $line"; echo err >&2; exit 5'])
    expect(child.exitCode).toBe(null)
    const events: string[] = []
    child.on('spawn', () => events.push('spawn'))
    child.on('exit', (code, signal) => events.push(`exit ${code} ${signal}`))
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
    child.once('spawn', () => child.stdin?.end('line\n'))
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
