import { chmodSync, chownSync, closeSync, existsSync, openSync, readFileSync, readSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { build, openSession, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { answers, armed, attack, describeAttack, hostProgram, isRoot, outputOf } from './attack.ts'

const users: readonly Spec['user'][] = [undefined, 'root']
const armedFor = (user: Spec['user']): Spec => armed(user === undefined ? {} : { user })

describeAttack('a build that changes the /dev/null it was given as stdin', () => {
  const nodeOf = () => {
    const { mode, uid, gid, atimeMs, mtimeMs } = statSync('/dev/null')
    // The times of a device are one for all of FreeBSD's mounts (docs/security.md).
    return isFreebsd ? { mode, uid, gid } : { mode, uid, gid, atimeMs, mtimeMs }
  }
  let before = nodeOf()
  beforeEach(() => {
    before = nodeOf()
  })
  afterEach(() => {
    // An ordinary user cannot have changed it.
    if (!isRoot) return
    chmodSync('/dev/null', before.mode)
    chownSync('/dev/null', before.uid, before.gid)
    utimesSync('/dev/null', new Date(), new Date())
  })

  // promise: 17
  test.each(users)('as %s changes its session’s own, and not the host’s', async (user) => {
    const { stderr } = await build(armedFor(user), attack('descriptors', 'null'), { stderr: 'pipe' })
    expect(answers(stderr)).toMatchObject({ node: 'here' })
    expect(nodeOf()).toEqual(before)
  })

  // promise: 17
  test.each(users)('as %s does not come to the host’s by one that the host program has, either', async (user) => {
    const inherited = ['sh', '-c', '/inputs/probe/descriptors null 2>&1']
    const output = await outputOf(hostProgram(armedFor(user), inherited, [], { stdio: ['ignore', 'pipe', 'ignore'] }))
    expect(answers(output)).toMatchObject({ node: 'here' })
    expect(nodeOf()).toEqual(before)
  })
})

/** All that a file of the host is, but for when it was read. */
const stateOf = (file: string) => {
  const { mode, uid, gid, size } = statSync(file)
  return { mode, uid, gid, size, content: readFileSync(file, 'utf8') }
}

describeAttack('a build that takes a standard descriptor for the file of the host behind it', () => {
  const folders = useFolders()
  const file = (): string => {
    const name = path.join(folders.top, 'file')
    writeFileSync(name, 'written before\n', { mode: 0o666 })
    return name
  }
  /** Each attempt on what was there before is refused. What is written into the pipe again is nothing but output. */
  const expectRefused = (output: string): void => {
    const told = answers(output)
    expect(told).toMatchObject({ kind: 'pipe', path: 'none' })
    expect(Object.keys(told)).toHaveLength(13)
    for (const [attempt, answer] of Object.entries(told)) {
      if (attempt !== 'kind' && attempt !== 'path') expect([attempt, answer]).not.toEqual([attempt, 'ok'])
    }
  }

  // promise: 17
  test.each(users)('as %s neither reads nor changes the log that its output goes to', async (user) => {
    const log = file()
    const before = stateOf(log)
    const { stderr } = await build(armedFor(user), attack('descriptors', 'log'), { stdout: { file: log } })
    expectRefused(stderr)
    expect(stateOf(log)).toEqual(before)
  })

  // promise: 17
  test.each(users)('as %s does not change the file that its stdin comes from', async (user) => {
    const input = file()
    const before = stateOf(input)
    const { stderr } = await build(armedFor(user), attack('descriptors', 'input'), { stdin: { file: input } })
    expectRefused(stderr)
    expect(stateOf(input)).toEqual(before)
  })

  // promise: 17
  test.each(users)('as %s does neither where the host program itself was started with those files', async (user) => {
    const [log, input] = [path.join(folders.top, 'log'), file()]
    writeFileSync(log, 'written before\n', { mode: 0o666 })
    const before = [stateOf(log), stateOf(input)]
    const descriptors = [openSync(input, 'r+'), openSync(log, 'a+')] as const
    try {
      for (const way of ['log', 'input']) {
        const program = hostProgram(armedFor(user), attack('descriptors', way), [], { stdio: [descriptors[0], descriptors[1], 'pipe'] })
        const output = await errorOutputOf(program)
        expectRefused(output)
      }
    } finally {
      for (const descriptor of descriptors) closeSync(descriptor)
    }
    expect([stateOf(log), stateOf(input)]).toEqual(before)
  })
})

describeAttack('a build whose caller goes on in the file that is stdin', () => {
  const folders = useFolders()
  const page = 4096
  const pipe = 1024 * 1024

  /** Where its caller goes on in a file of that size, of which it has read so much before. */
  const offsetAfter = async (user: Spec['user'], size: number, begin: number, command: string[]): Promise<number> => {
    const file = path.join(folders.top, 'script')
    writeFileSync(file, Buffer.alloc(size, '#'))
    const input = openSync(file, 'r')
    try {
      readSync(input, Buffer.alloc(begin), 0, begin, null)
      await outputOf(hostProgram(armedFor(user), command, [], { stdio: [input, 'pipe', 'ignore'] }))
      return size - readFileSync(input).length
    } finally {
      closeSync(input)
    }
  }

  // promise: 17
  test.each(users)('as %s does not send it back to before the command, by filling a pipe that has all of the file', async (user) => {
    const [begin, rest] = [2 * pipe, 2000]
    const after = await offsetAfter(user, begin + rest, begin, attack('descriptors', 'refill', String(rest), String(rest + 1000)))
    expect(after).toBeGreaterThanOrEqual(begin)
    expect(after).toBeLessThanOrEqual(begin + rest)
  })

  // The first page of the pipe has one byte of the file, and then a whole page of the build's. It may come too late.
  // promise: 17
  test.each(users)('as %s does not send it back to before the command, by filling a pipe that is fed', async (user) => {
    const begin = 2 * pipe - 1
    for (let i = 0; i < 3; i += 1) {
      expect(await offsetAfter(user, 6 * pipe, begin, attack('descriptors', 'refill', '1', String(page)))).toBeGreaterThanOrEqual(begin)
    }
  })
})

describeAttack('a process that a command left, with a file of the host that was its stdin', () => {
  const folders = useFolders()

  // promise: 17
  test.each(users)('as %s reads nothing there that is written to the file afterwards', async (user) => {
    const file = path.join(folders.top, 'file')
    writeFileSync(file, Buffer.alloc(2 * 4096, 'before '))
    const seen = path.join(folders.output, 'seen')
    await using session = await openSession({ ...armedFor(user), output: folders.output })
    const left = 'while [ ! -e /tmp/go ]; do sleep 0.02; done; cat <&3 > /output/part; mv /output/part /output/seen'
    await session.run(['sh', '-c', `exec 3<&0; (${left}) > /dev/null 2>&1 &`], { stdin: { file } })
    const writing = openSync(file, 'r+')
    writeSync(writing, Buffer.alloc(2 * 4096, 'secret '))
    closeSync(writing)
    await session.run(['touch', '/tmp/go'])
    await expect.poll(() => existsSync(seen), { timeout: 10_000 }).toBe(true)
    expect(readFileSync(seen, 'utf8')).not.toContain('secret')
  })
})

async function errorOutputOf(program: ReturnType<typeof hostProgram>): Promise<string> {
  let output = ''
  program.stderr?.on('data', (chunk: Buffer) => (output += String(chunk)))
  await new Promise((resolve) => program.once('close', resolve))
  return output
}
