import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'

import { build, InvalidCommandError, openSession, type Session } from '../../src/index.ts'
import { describeAttack } from './attacks/attack.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'
import { buildjailRun, hostProgram, Person } from './person.ts'

const cooked = /^lines echo cooked/
const atKeys = /^keys silent raw/

describeAttack('a person at a terminal', () => {
  const folders = useFolders()
  let people: Person[] = []
  const person = (streams: string, command: readonly string[]): Person => {
    const made = new Person(streams, command)
    people.push(made)
    return made
  }
  afterEach(() => {
    for (const one of people) one.leave()
    people = []
  })

  test('has a shell in a session that is as usable as one outside', async () => {
    const one = person('012', buildjailRun('--env', 'PS1=ready# ', '--', 'sh', '-i'))
    await one.sees('ready# ')
    const running = async (line: string, shown: string, key: string): Promise<void> => {
      one.type(`${line}\r`)
      await one.sees(shown)
      // The shell has echoed the line; the program that it starts takes a moment to have the keys.
      await new Promise((resolve) => setTimeout(resolve, 500))
      one.type(key)
      await one.sees('ready# ')
    }
    expect(await one.mode()).toMatch(atKeys)
    one.type('tty; echo it is $TERM:\r')
    expect(await one.sees(/it is vt100:/)).toContain('/dev/pts/')
    one.size(41, 107)
    // It is told when it is told, and by the next keystroke at the latest.
    one.type('while ! stty size | grep 107; do sleep 0.1; done\r')
    await one.sees('41 107')
    await running('sleep 1000', 'sleep 1000', '\x03')
    one.type('echo still $((40 + 2))\r')
    await one.sees('still 42')
    await running('sleep 1001', 'sleep 1001', '\x1a')
    one.type('jobs\r')
    await one.sees(/(Stopped|Suspended).*sleep 1001/)
    await running('fg', 'sleep 1001', '\x03')
    // Not ahead of cat(1): a shell that edits lines would have it typed into a terminal that is raw still.
    one.type('echo begun; cat; echo cat has ended\r')
    await one.sees('begun\r\n')
    one.type('line\r')
    await one.sees('line\r\nline')
    one.type('\x04')
    await one.sees('cat has ended')
    one.type('exit 7\r')
    const { end, mode } = await one.ended()
    expect([end, mode]).toEqual(['status 7', expect.stringMatching(cooked)])
  })

  // promise: 30
  test('finds it as it was when the command was killed', async () => {
    const one = person('012', buildjailRun('--', 'sh', '-c', 'echo up; read line; kill -9 $$'))
    await one.sees('up')
    expect(await one.mode()).toMatch(atKeys)
    one.type('\r')
    const { end, mode } = await one.ended()
    expect([end, mode]).toEqual(['status 137', expect.stringMatching(cooked)])
  })

  // promise: 30
  test('finds it as it was as soon as the command is over, while the host program goes on', async () => {
    const one = person('012', hostProgram('after', 'sh', '-c', 'echo up; read line; echo the last of it'))
    await one.sees('up')
    one.type('\r')
    await one.sees('the last of it\r\nover with 0')
    expect(await one.mode()).toMatch(cooked)
  })

  test('finds it as it was when nothing could be executed', async () => {
    const { end, mode } = await person('012', buildjailRun('--', '/no/such/program')).ended()
    expect([end, mode]).toEqual(['status 127', expect.stringMatching(cooked)])
  })

  // promise: 30
  test.each([['SIGHUP', 1], ['SIGTERM', 15]] as const)('finds it as it was when %s ended buildjail or a host program', async (_, signal) => {
    const line = person('012', buildjailRun('--', 'sh', '-c', 'echo up; cat'))
    const program = person('012', hostProgram('spawn', 'sh', '-c', 'echo up; cat'))
    for (const one of [line, program]) {
      await one.sees('up')
      expect(await one.mode()).toMatch(atKeys)
      one.kill(signal)
    }
    expect(await line.ended()).toEqual({ end: `status ${128 + signal}`, mode: expect.stringMatching(cooked) as string })
    expect(await program.ended()).toEqual({ end: `signal ${signal}`, mode: expect.stringMatching(cooked) as string })
  })

  // promise: 30
  test('finds it as it was when a host program threw', async () => {
    const one = person('012', hostProgram('throw', 'sh', '-c', 'echo up; cat'))
    await one.sees('up')
    const { end, mode } = await one.ended()
    expect([end, mode]).toEqual([expect.stringMatching(/^status [1-9]/), expect.stringMatching(cooked)])
  })

  // promise: 30
  test('finds it as it was when two commands had it, and the second still had it after the first', async () => {
    const one = person('012', hostProgram('twice', 'sh', '-c', 'read line; echo got $line'))
    await one.sees('first is over')
    expect(await one.mode()).toMatch(atKeys)
    one.type('this\r')
    await one.sees('got this')
    const { end, mode } = await one.ended()
    expect([end, mode]).toEqual(['status 0', expect.stringMatching(cooked)])
  })

  test('sees all of a long output, in order', async () => {
    const one = person('012', buildjailRun('--', 'sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo "line $i of it"; i=$((i + 1)); done'))
    await one.ended()
    expect(one.shown).toBe(Array.from({ length: 3000 }, (_, index) => `line ${index} of it\r\n`).join(''))
  })

  test('keeps Ctrl-C for buildjail where the command is not typed into', async () => {
    const one = person('12', buildjailRun('--', 'sh', '-c', 'echo up; sleep 1000'))
    await one.sees('up\r\n')
    expect(await one.mode()).toMatch(cooked)
    one.type('\x03')
    expect((await one.ended()).end).toBe('status 130')
  })

  test('ends at once by a second Ctrl-C what goes on after the first', async () => {
    const one = person('12', buildjailRun('sh', '-c', 'trap "echo again" INT; echo up; while :; do sleep 0.1; done'))
    await one.sees('up\r\n')
    one.type('\x03')
    await one.sees('again\r\n')
    one.type('\x03')
    expect((await one.ended()).end).toBe('status 130')
  })

  test.each([
    ['it is not typed into', ' < /dev/null'],
    ['no shell of the command would stop it', ''],
  ])('stops the command together with buildjail by Ctrl-Z where %s, and both go on', async (_, stdin) => {
    // A shell with jobs: only what somebody could continue is stopped.
    const words = buildjailRun('sh', '-c', 'i=0; while :; do echo at $i; i=$((i + 1)); sleep 0.1; done').map((word) => `'${word}'`)
    const one = person('012', ['env', '-u', 'ENV', 'PS1=ready# ', 'sh', '-i'])
    await one.sees('ready# ')
    one.type(`${words.join(' ')}${stdin}\r`)
    await one.sees('at 3\r\n')
    one.type('\x1a')
    await one.sees('ready# ')
    const before = one.shown.length
    // Ten lines, if the command still ran.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(one.shown.slice(before)).not.toContain('at ')
    // The terminal has its mode back meanwhile.
    one.type('stty -a\r')
    await one.sees(/ icanon /)
    one.type('fg\r')
    await one.sees(/at \d+\r\n(.|\n|\r)*at \d+\r\n/)
    one.type('\x03')
    await one.sees('ready# ')
    one.type('exit\r')
    await one.ended()
  })

  test('passes lines to a command in a pipeline, and the terminal keeps its mode', async () => {
    const words = buildjailRun('--', 'sh', '-c', 'echo up >&2; while read line; do echo "got $line"; done').map((word) => `'${word}'`)
    const one = person('012', ['sh', '-c', `${words.join(' ')} | cat`])
    await one.sees('up\r\n')
    expect(await one.mode()).toMatch(cooked)
    one.type('this\r')
    await one.sees('got this')
    one.type('\x04')
    expect((await one.ended()).end).toBe('status 0')
  })

  test('can send the output elsewhere, and still types into it', async () => {
    const file = path.join(folders.top, 'output.txt')
    const words = buildjailRun('--', 'sh', '-c', 'echo up >&2; read line; echo got $line').map((word) => `'${word}'`)
    const one = person('012', ['sh', '-c', `${words.join(' ')} > ${file}`])
    await one.sees('up')
    one.type('this\r')
    expect((await one.ended()).end).toBe('status 0')
    expect(readFileSync(file, 'utf8')).toBe('got this\n')
  })

  test('says there what the session did to a command that failed', async () => {
    const one = person('012', buildjailRun('touch', '/new'))
    await one.sees(/hint: it wrote to \/new, and the root of a session is read-only/)
    expect((await one.ended()).end).toBe('status 1')
  })

  test('may have it in the background: it is neither stopped, nor does it change the terminal', async () => {
    const one = person('012b', buildjailRun('--', 'sh', '-c', 'echo up; sleep 1; echo over'))
    await one.sees('up')
    expect(await one.mode()).toMatch(cooked)
    one.type('not for it\r')
    await one.sees('over')
    expect((await one.ended()).end).toBe('status 0')
    expect(one.told).not.toContain('stopped')
  })
})

describeAttack('a line of progress at a terminal', () => {
  let one: Person | undefined
  afterEach(() => one?.leave())
  const script = (status: number): string => `echo first; echo second >&2; sleep 2; echo last words; sleep 1; exit ${status}`
  // In place of it nothing of the output is seen.
  const anew = '\r\u001b[K'
  const line = new RegExp(String.raw`\r\u001b\[Krunning {2}0:0\d( {2}cpu [\d.]+ s)?( {2}memory \d+ MiB)? {2}second`)

  test('is there while the command runs, in place of what it writes, and gone with it', async () => {
    one = new Person('012', buildjailRun('--progress', 'sh', '-c', script(0)))
    await one.sees(line)
    await one.sees(/ {2}last words/)
    expect(await one.ended()).toEqual({ end: 'status 0', mode: expect.stringMatching(cooked) as string })
    expect(one.shown.endsWith(anew)).toBe(true)
    expect(one.shown).not.toContain('first')
  })

  test('is followed by all that the command wrote where it failed', async () => {
    one = new Person('012', buildjailRun('--progress', 'sh', '-c', script(3)))
    expect((await one.ended()).end).toBe('status 3')
    expect(one.shown).toMatch(line)
    expect(one.shown.endsWith(`${anew}first\r\nsecond\r\nlast words\r\n`)).toBe(true)
  })

  test('keeps Ctrl-C for the command', async () => {
    one = new Person('012', buildjailRun('--progress', 'sh', '-c', 'trap "echo cleaned; exit 5" INT; echo up; while :; do sleep 0.1; done'))
    await one.sees(/running .* up/)
    one.type('\x03')
    expect((await one.ended()).end).toBe('status 5')
    expect(one.shown).toContain('up\r\ncleaned\r\n')
  })

  test('is as wide as the terminal', async () => {
    one = new Person('012', buildjailRun('--progress', 'sh', '-c', 'printf "%0200d\\n" 7; sleep 100'))
    one.size(24, 40)
    await one.sees(/running/)
    one.size(24, 30)
    await one.sees(new RegExp(String.raw`\r\u001b\[K[^\r]{29}\r`))
    one.type('\x03')
    await one.ended()
    for (const drawn of one.shown.split(anew).slice(1, -1)) expect(drawn.length).toBeLessThan(80)
  })

  test('comes with --json as well, whose answer is on stdout alone', async () => {
    one = new Person('2', buildjailRun('--json', 'sh', '-c', script(0)))
    await one.sees(line)
    expect((await one.ended()).end).toBe('status 0')
  })

  test('is not there where stderr is no terminal: the output is', async () => {
    one = new Person('01', buildjailRun('--progress', 'sh', '-c', 'echo out; sleep 1'))
    expect((await one.ended()).end).toBe('status 0')
    expect(one.shown).toBe('out\r\n')
  })

  // Under emulation nothing is.
  test.skipIf(process.env['BUILDJAIL_IN_GUEST'] !== undefined)('is not there for a command that is over at once', async () => {
    one = new Person('012', buildjailRun('--progress', 'true'))
    expect((await one.ended()).end).toBe('status 0')
    expect(one.shown).toBe('')
  })
})

describeSession('a terminal of a command’s own', () => {
  let session: Session | undefined
  const open = async (): Promise<Session> => (session = await openSession({}))
  afterEach(() => session?.close())

  test('is all three descriptors, by a name, with the size that was asked for', async () => {
    const script = 'for fd in 0 1 2; do test -t $fd && echo $fd; done; tty; stty size; exit 3'
    const { stdout, stderr, exitCode } = await (await open()).run(['sh', '-c', script], {
      stdio: 'pty',
      terminalSize: { columns: 91, rows: 33 },
      reject: false,
      lines: true,
    })
    expect([stdout, stderr, exitCode]).toEqual([['0', '1', '2', expect.stringMatching(/^\/dev\/pts\/\d+$/), '33 91'], [], 3])
  })

  test('is typed into by stdin, whose end is the end of the input', async () => {
    const opened = await open()
    const typedAtOnce = async (): Promise<string> => {
      const running = opened.run(['cat'], { stdio: 'pty' })
      running.stdin?.write('first\n')
      running.stdin?.end('second')
      return (await running).stdout
    }
    // Several at a time, so that some open their terminal after something was typed.
    for (const stdout of await Promise.all(Array.from({ length: 8 }, typedAtOnce))) {
      // Once as it is echoed, and once by cat. Where the echo of the end goes is the kernel's own matter.
      expect(stdout).toMatch(/^(?=(.|\r\n)*first(.|\r\n)*first)(.|\r\n)*second(.|\r\n)*second/)
    }
  })

  test('has another size when it is resized', async () => {
    const child = (await open()).spawn(['sh', '-c', 'trap "stty size; exit" WINCH; echo up; while :; do sleep 0.1; done'], { stdio: 'pty' })
    expect([child.stderr, child.stdin === null, child.stdout === null]).toEqual([null, false, false])
    let shown = ''
    child.stdout?.on('data', (chunk: Buffer) => (shown += String(chunk)))
    await expect.poll(() => shown, { timeout: 20_000 }).toContain('up')
    expect(child.resize({ columns: 120, rows: 50 })).toBe(true)
    await expect.poll(() => shown, { timeout: 20_000 }).toContain('50 120')
  })

  test('is complete where more was written than any buffer holds, and the last of it at once before the end', async () => {
    const script = 'i=0; while [ $i -lt 20000 ]; do echo "line $i of it"; i=$((i + 1)); done'
    const { stdout } = await (await open()).run(['sh', '-c', script], { stdio: 'pty', lines: true })
    expect([stdout.length, stdout.at(-1)]).toEqual([20_000, 'line 19999 of it'])
  })

  test('ends with the command, also where it leaves somebody behind who has it open', async () => {
    // FreeBSD then throws away what nobody has read yet when the command ends.
    const { stdout } = await (await open()).run(['sh', '-c', 'trap "" HUP; sleep 1000 & echo over; sleep 0.5'], { stdio: 'pty' })
    expect(stdout).toBe('over')
  })

  test('is one of the session: build() has it as well', async () => {
    expect((await build({}, ['tty'], { stdio: 'pty' })).stdout).toMatch(/^\/dev\/pts\/\d+$/)
  })

  test('is not had together with other streams, nor in a list', async () => {
    const { plan } = await open()
    const refusal = async (options: object): Promise<unknown> => build(plan, ['true'], options).catch((error: unknown) => error)
    for (const options of [{ stdio: 'pty', stdin: 'pipe' }, { stdio: 'pty', all: true }, { stdout: 'pty' }, { terminalSize: { columns: 1, rows: 1 } }]) {
      expect(await refusal(options)).toBeInstanceOf(InvalidCommandError)
    }
    expect(() => session?.spawn(['true']).resize({ columns: 80, rows: 24 })).toThrow(InvalidCommandError)
    expect(() => session?.spawn(['true'], { stdio: 'pty' }).resize({ columns: 0, rows: 24 })).toThrow(InvalidCommandError)
  })

  describe('that the command makes itself', () => {
    test('works in a session', async (context) => {
      const which = (await (await open()).run(['sh', '-c', 'command -v script || true'])).stdout
      context.skip(which === '', 'this system has no script(1)')
      const words = process.platform === 'freebsd' ? ['-q', '/dev/null', 'tty'] : ['-qc', 'tty', '/dev/null']
      expect((await session?.run(['script', ...words]))?.stdout).toContain('/dev/pts/')
    })

    test('is /dev/tty for what it controls, and for nothing else', async () => {
      const script = 'test -c /dev/tty && (echo > /dev/tty) 2>/dev/null || echo none'
      expect((await (await open()).run(['sh', '-c', script])).stdout).toBe('none')
      expect((await session?.run(['sh', '-c', 'echo said > /dev/tty'], { stdio: 'pty' }))?.stdout).toBe('said')
    })

    test('is made by Python’s pty', async (context) => {
      const python = (await (await open()).run(['sh', '-c', 'command -v python3 || true'])).stdout
      context.skip(python === '', 'there is no Python on this host')
      const program = 'import os, pty; pty.spawn(["sh", "-c", "tty; echo controlled > /dev/tty"])'
      expect((await session?.run(['python3', '-c', program]))?.stdout).toMatch(/^\/dev\/pts\/\d+\r\ncontrolled/)
    })
  })
})
