import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { mkfifo } from './fifo.ts'
import { rejected } from './rejected.ts'

const MiB = 1024 * 1024
/** Under emulation every one of them takes long. */
const large = (isFreebsd ? 16 : 100) * MiB
/** A device that is always full (null(4), full(4)). */
const full = '/dev/full'
const mebibytes = (count: number): string => `dd if=/dev/zero bs=65536 count=${count * 16} 2>/dev/null`

describeSession('a file of the host that a command’s output goes to', () => {
  const folders = useFolders()
  const log = (): string => path.join(folders.top, 'log')

  test('has stdout and stderr in the order in which they were written', async () => {
    const script = 'i=0; while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'
    await build({}, ['sh', '-c', script], { stdout: { file: log() }, stderr: { file: log() } })
    const expected = Array.from({ length: 200 }, (_, index) => `out ${index}\nerr ${index}\n`).join('')
    expect(readFileSync(log(), 'utf8')).toBe(expected)
  })

  test('has all that a command wrote, after what was there, when its end is told', async () => {
    writeFileSync(log(), 'before\n')
    const before = await hostState()
    await build({}, ['sh', '-c', mebibytes(large / MiB)], { stdout: { file: log() } })
    expect(statSync(log()).size).toBe('before\n'.length + large)
    await expectSameState(before)
  })

  test('has what a daemon writes later, until the session is closed, and the command’s end does not wait for it', async () => {
    const session = await openSession({})
    await session.run(['sh', '-c', '(echo late; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo later; exec sleep 100) & echo early'], { stdout: { file: log() } })
    expect(readFileSync(log(), 'utf8')).toContain('early\n')
    await session.run(['touch', '/tmp/go'])
    await expect.poll(() => readFileSync(log(), 'utf8')).toContain('later\n')
    await session.run(['sh', '-c', '(exec sleep 100) & echo last'], { stdout: { file: log() } })
    await session.close()
    expect(readFileSync(log(), 'utf8').trimEnd().split('\n').sort()).toEqual(['early', 'last', 'late', 'later'])
  })

  test('and is full, is the error of the run, whatever became of the command', async () => {
    await using session = await openSession({})
    const error = await rejected(session.run(['sh', '-c', 'trap "" PIPE; echo lost; exec sleep 100'], { stdout: { file: full }, reject: false }))
    const cause = { code: 'ENOSPC', syscall: 'write', step: 'stdio', path: full }
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDOUT_FAILED', cause, signal: 'SIGKILL' })
    const quick = await rejected(session.run(['sh', '-c', 'echo lost >&2'], { stderr: { file: full } }))
    expect(quick).toMatchObject({ code: 'ERR_BUILDJAIL_STDOUT_FAILED', cause })
    expect((await session.run(['echo', 'still'])).stdout).toBe('still')
  })

  test('and is full, is told of by a spawned command, too', async () => {
    await using session = await openSession({})
    const child = session.spawn(['sh', '-c', 'echo lost'], { stdio: ['ignore', { file: full }, 'ignore'] })
    const exit = once(child, 'exit').catch((error: unknown) => error)
    expect(await exit).toMatchObject({ code: 'ENOSPC', path: full })
  })

  test('and takes nothing for a while, holds up no other command', async () => {
    const fifo = mkfifo(path.join(folders.top, 'fifo'))
    const reader = openSync(fifo, 'r+')
    try {
      await using session = await openSession({})
      const waiting = session.run(['sh', '-c', mebibytes(1)], { stdout: { file: fifo } })
      for (let i = 0; i < 20; i += 1) expect((await session.run(['echo', 'beside'])).stdout).toBe('beside')
      const chunk = Buffer.alloc(65_536)
      let left = MiB
      while (left > 0) left -= readSync(reader, chunk)
      expect((await waiting).exitCode).toBe(0)
    } finally {
      closeSync(reader)
    }
  })
})

describeSession('a fifo of the host that a command’s output goes to', () => {
  const folders = useFolders()

  test('is the error of the run where it takes nothing for 5 seconds after the command’s end', async () => {
    const fifo = mkfifo(path.join(folders.top, 'fifo'))
    const nobody = openSync(fifo, 'r+')
    try {
      // More than a fifo holds, and less than it and a pipe do.
      const error = await rejected(build({}, ['sh', '-c', 'dd if=/dev/zero bs=1024 count=100 2>/dev/null'], { stdout: { file: fifo } }))
      expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDOUT_FAILED', exitCode: 0, cause: { code: 'ETIMEDOUT', path: fifo } })
    } finally {
      closeSync(nobody)
    }
  })
})

describeSession('a file of the host that a command’s stdin comes from', () => {
  const folders = useFolders()
  const largeFile = (): string => {
    const file = path.join(folders.top, 'large')
    writeFileSync(file, Buffer.alloc(large, 'line\n'))
    return file
  }

  test('arrives whole, and ends', async () => {
    const { stdout } = await build({}, ['wc', '-c'], { stdin: { file: largeFile() } })
    expect(Number(stdout)).toBe(large)
  })

  test('may be left unread, which is no failure and keeps nothing open', async () => {
    const file = largeFile()
    const { descriptors } = await hostState()
    await using session = await openSession({})
    for (const command of [['true'], ['head', '-n', '1'], ['sh', '-c', 'exec 0<&-; sleep 0.05']]) {
      expect((await session.run(command, { stdin: { file } })).exitCode).toBe(0)
    }
    await session.close()
    await expect.poll(async () => (await hostState()).descriptors.length).toBeLessThanOrEqual(descriptors.length)
  })

  // FreeBSD's pipes go both ways (pipe(2)).
  test('gets nothing of what a command writes into its stdin', async () => {
    const file = path.join(folders.top, 'small')
    writeFileSync(file, 'given\n')
    const { stdout } = await build({}, ['sh', '-c', '(echo back >&0) 2>/dev/null; cat'], { stdin: { file } })
    expect([stdout, readFileSync(file, 'utf8')]).toEqual(['given', 'given\n'])
  })

  test('is fed to a command alone: its daemon has the end of it afterwards', async () => {
    const file = largeFile()
    await using session = await openSession({ output: folders.output })
    await session.run(['sh', '-c', 'exec 3<&0; (sleep 0.2; wc -c > /output/rest) <&3 & dd bs=1 count=1 >/dev/null 2>&1'], { stdin: { file } })
    const rest = (): string => readOrNothing(path.join(folders.output, 'rest')).trim()
    await expect.poll(rest, { timeout: 10_000 }).not.toBe('')
    // On FreeBSD it has what is in the pipe, too.
    expect(Number(rest())).toBeLessThan(isFreebsd ? large : 1)
  })
})

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const cli = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

describeSession('output that is inherited', () => {
  const run = (words: string, shell = ''): string => `${process.execPath} ${cli} run -- sh -c '${words}' ${shell}`
  /** What is read of a pipeline, and the status of its first program. */
  const readOf = async (pipeline: string): Promise<readonly [output: string, status: string]> => {
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', `{ ${pipeline} 2>&1; echo $? >&3; } 3>&2 | cat`])
    return [stdout, stderr.trim()]
  }

  // promise: 8
  test.runIf(process.platform === 'linux')('is a pipe of the command’s, also where the host program has a socket, and comes in its order', async () => {
    const own = (await promisify(execFile)(process.execPath, ['-e', 'console.log(fs.readlinkSync("/proc/self/fd/1"))'])).stdout
    expect(own).toMatch(/^socket:/)
    const { stdout } = await promisify(execFile)('sh', ['-c', run('readlink /proc/self/fd/1 /proc/self/fd/2; readlink /proc/$$/fd/1')])
    expect(stdout).toMatch(/^pipe:/)
    expect(stdout).not.toContain('socket')
    expect(await readOf(run('for i in 1 2 3; do echo o$i; echo e$i >&2; done'))).toEqual(['o1\ne1\no2\ne2\no3\ne3\n', '0'])
  })

  test('ends the command where its reader goes away', async () => {
    for (const words of ['yes', 'yes >&2']) {
      const { stdout, stderr } = await promisify(execFile)('sh', ['-c', `{ ${run(words, '2>&1')}; echo $? >&3; } 3>&2 | head -n 1`])
      expect([stdout, stderr.trim()]).toEqual(['y\n', '141'])
    }
  })

  test('fails a command that writes after its reader has gone, though it writes only once', async () => {
    const program = `
      import { openSession } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const session = await openSession({})
      const until = Date.now() + 20_000
      let message = 'no command failed'
      while (Date.now() < until && message === 'no command failed') await session.run(['sh', '-c', 'echo one'], { stdout: 'inherit' }).catch((error) => (message = error.signal ?? error.message))
      console.error(message)
      await session.close()`
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', '{ "$0" --input-type=module -e "$1" | head -n 1; } 2>&1 >/dev/null', process.execPath, program])
    expect([stdout, stderr]).toEqual(['SIGPIPE\n', ''])
  })

  test('waits for a reader that takes its time, longer than a file may', { timeout: 60_000 }, async () => {
    const { stdout } = await promisify(execFile)('sh', ['-c', `${run('seq 1 200000')} | { sleep 8; wc -l; }`])
    expect(stdout.trim()).toBe('200000')
  })
})

// As a shell reads its script from a file that is stdin, and the loop `while read line` its lines.
describeSession('a file of the host that is inherited', () => {
  const folders = useFolders()

  /** What a shell says that has a file with that content as its stdin. */
  const saidBy = async (content: string, program: string[]): Promise<string> => {
    const file = path.join(folders.top, 'script')
    writeFileSync(file, content)
    const input = openSync(file, 'r')
    try {
      const shell = spawn('sh', program, { stdio: [input, 'pipe', 'inherit'] })
      if (shell.stdout === null) throw new Error('stdout is no pipe')
      const [output] = await Promise.all([text(shell.stdout), once(shell, 'exit')])
      return output
    } finally {
      closeSync(input)
    }
  }
  const lines = 'first\nsecond\nthird\n'
  const run = `${process.execPath} ${cli} run --`
  /** The commands, each in a session, and then what they left. */
  const around = (...commands: string[]): string[] => ['-c', [...commands, `sed 's/^/left: /'`].join('\n')]

  test('keeps what a command does not read of it, for whoever reads on', async () => {
    const script = `echo one\n${run} true\necho two\n${run} true\necho three\n`
    expect(await saidBy(script, [])).toBe('one\ntwo\nthree\n')
  })

  test('does not keep what a command has read of it: each line is read once', async () => {
    const reading = `${run} sh -c 'read line; echo "read: $line"'`
    expect(await saidBy(lines, around(reading, reading))).toBe('read: first\nread: second\nleft: third\n')
  })

  test('and is read to its end ends, and nothing of it is left', async () => {
    expect(await saidBy(lines, around(`${run} cat`))).toBe(lines)
  })

  test('keeps all that is left by a command that closes it and goes on, or that is not found', async () => {
    const closing = `${run} sh -c 'read line; exec 0<&-; sleep 0.1; echo "read: $line"'`
    expect(await saidBy(lines, around(closing, `${run} not-found 2>/dev/null`))).toBe('read: first\nleft: second\nleft: third\n')
  })

  test('keeps what a command leaves unread of more than a pipe holds', async () => {
    const many = Array.from({ length: 500_000 }, (_, index) => `${index}\n`).join('')
    const reading = `${run} sh -c 'read line; read line; echo "read: $line"'`
    expect(await saidBy(many, ['-c', `${reading}\nread line; echo "$line"\n${run} dd bs=1000000 count=3 iflag=fullblock of=/dev/null 2>/dev/null\ncat | wc -c | tr -d ' '`])).toBe(
      `read: 1\n2\n${many.length - '0\n1\n2\n'.length - 3_000_000}\n`,
    )
  })

  test('goes to one of two commands at once, and what that leaves to whoever reads on', async () => {
    const both = `
      import { openSession } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const session = await openSession({})
      const first = session.run(['sh', '-c', 'read line; touch /tmp/read; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo "read: $line"'], { stdin: 'inherit' })
      await session.run(['sh', '-c', 'while [ ! -e /tmp/read ]; do sleep 0.02; done'])
      const second = await session.run(['cat'], { stdin: 'inherit' })
      await session.run(['touch', '/tmp/go'])
      console.log((await first).stdout + second.stdout)
      await session.close()`
    const program = path.join(folders.top, 'both.mjs')
    writeFileSync(program, both)
    expect(await saidBy(lines, around(`${process.execPath} ${program}`))).toBe('read: first\nleft: second\nleft: third\n')
  })
})
