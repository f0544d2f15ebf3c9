import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { openSession, type Command, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { rejected } from '../rejected.ts'
import { answers, armed, attack, describeAttack, isRoot, said } from './attack.ts'

const users: readonly Spec['user'][] = [undefined, 'root']
/** Far more than it takes to come between where init may be met: that was after 16 at most. */
const launches = 60

describeAttack('a command by a name that its build chose', () => {
  const folders = useFolders()

  // Up to its execution a command is a process of init's, whose program and descriptors have names in /proc.
  ;(isFreebsd ? describe.skip : describe)('in /proc', () => {
    // promise: 32
    test.each(users)('does not get at the program of init, which is that of all sessions to come (user %s)', { timeout: 110_000 }, async (user) => {
      await using session = await openSession(armed({ output: folders.output, ...(user !== undefined && { user }) }))
      await session.run(['sh', '-c', 'echo "#!/proc/self/exe" > /output/script; chmod 755 /output/script'])
      const hunter = session.spawn(attack('image'), { stdio: ['pipe', 'pipe', 'ignore'] })
      await said(hunter, 'hunting')
      if (hunter.stdout === null) throw new Error('no stdout')
      const found: string[] = []
      hunter.stdout.on('data', (chunk: Buffer) => found.push(String(chunk)))
      // To copy the arguments takes most of the time in which it can be met.
      const long = Array.from({ length: 12 }, () => 'x'.repeat(100_000))
      for (let launched = 0; launched < launches && found.length === 0; launched++) {
        await session.run(['/output/script', ...long], { reject: false, timeout: 5000 })
      }
      hunter.stdin?.end()
      await once(hunter.stdout, 'end')
      const { met, mode, write, read } = answers(found.join(''))
      expect(met).toBe('ok')
      // Root of an ordinary caller's session reads what is the caller's, and this is no secret.
      const forbidden = user === 'root' && !isRoot ? { mode, write } : { mode, write, read }
      expect(Object.entries(forbidden).filter(([, answer]) => answer === 'ok')).toEqual([])
      // It would be what they are, for the rest of this program.
      await using next = await openSession({})
      expect((await next.run(['echo', 'there'])).stdout.trimEnd()).toBe('there')
    })

    // promise: 8
    test.each(users)('leads to nothing that init has open, and to no other root (user %s)', async (user) => {
      await using session = await openSession(armed({ output: folders.output, ...(user !== undefined && { user }) }))
      await session.run(['sh', '-c', 'for i in 0 1 2 3 4 5 6 7 8; do ln -s /proc/self/fd/$i /output/$i; echo "#!/proc/self/fd/$i" > /output/by$i; done; chmod 755 /output/by*'])
      for (const number of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
        for (const name of [String(number), `by${number}`]) {
          expect(await rejected(session.run([`/output/${name}`]))).toMatchObject({ code: expect.stringMatching(/^(EACCES|ENOENT)$/) as unknown, step: 'execve' })
        }
        expect(await rejected(session.run(['pwd'], { cwd: `/output/${number}` }))).toMatchObject({ code: expect.stringMatching(/^(ENOTDIR|ENOENT)$/) as unknown, step: 'chdir' })
      }
      for (const cwd of ['/proc/1/root', '/proc/1/cwd']) expect(await rejected(session.run(['pwd'], { cwd }))).toMatchObject({ step: 'chdir' })
      const here = await session.run(['stat', '-c', '%d:%i', '/'])
      for (const cwd of ['/proc/self/root', '/proc/self/cwd', '/proc/self/root/..']) {
        expect((await session.run(['stat', '-c', '%d:%i', '.'], { cwd })).stdout).toBe(here.stdout)
      }
    })
  })

  // Who is not root has the build’s own user, who may enter that folder.
  // promise: 20
  test.runIf(isRoot)('begins in no folder to which its link leads through one that is shut to it', async () => {
    const [secret, sub, key] = ['secret', 'secret/sub', 'secret/sub/key'].map((name) => path.join(folders.input, name)) as [string, string, string]
    mkdirSync(sub, { recursive: true })
    writeFileSync(key, 'the key')
    for (const [name, mode] of [[key, 0o644], [sub, 0o755], [secret, 0o700]] as const) chmodSync(name, mode)
    await using session = await openSession({ inputs: { '/in': folders.input }, output: folders.output })
    await session.run(['ln', '-s', '/in/secret/sub', '/output/w'])
    for (const cwd of ['/output/w', '/in/secret/sub']) {
      expect(await rejected(session.run(['cat', 'key'], { cwd }))).toMatchObject({ code: 'EACCES', step: 'chdir', path: cwd })
    }
  })

  const strange = ['with\nnewline', '-n', '=', '\u{feff}', '\t ', '\u001b[2J', '\u{10ffff}', '%s', "'"]
  // promise: 9
  test('has those words and no others, whatever is in them', async () => {
    await using session = await openSession({ output: folders.output })
    const script = 'i=0; for w in "$@"; do i=$((i+1)); printf %s "$w" > /output/$i; done; printf %s "$ODD" > /output/odd'
    for (const name of strange) writeFileSync(path.join(folders.input, name), '')
    await session.run(['sh', '-c', script, 'sh', ...strange, ''], { env: { ODD: strange.join('') } })
    const kept = (name: string | number): string => readFileSync(path.join(folders.output, String(name)), 'utf8')
    expect([...strange, ''].map((_, index) => kept(index + 1))).toEqual([...strange, ''])
    expect(kept('odd')).toBe(strange.join(''))
    expect(readdirSync(folders.output)).toHaveLength(strange.length + 2)
  })

  const refused: readonly (readonly [string, Command, object])[] = [
    ['a NUL in its name', ['sh\0x'], {}],
    ['a NUL in an argument', ['sh', '-c', 'true\0false'], {}],
    ['a NUL in a variable', ['sh', '-c', 'true'], { env: { A: 'x\0B=y' } }],
    ['a variable of two', ['sh', '-c', 'true'], { env: { 'A=x\nB': 'y' } }],
    ['a NUL in its directory', ['sh', '-c', 'true'], { cwd: '/tmp\0/x' }],
    ['no words', [] as unknown as Command, {}],
  ]
  // promise: 9
  test.each(refused)('is refused with %s, before anything runs', async (_, command, options) => {
    await using session = await openSession({})
    expect(await rejected(session.run(command, options))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND' })
  })

  // promise: 31
  test('has more words than the kernel takes: that is an error, and its session goes on', async () => {
    await using session = await openSession({})
    const words = Array.from({ length: 40 }, () => 'x'.repeat(100_000))
    expect(await rejected(session.run(['true', ...words]))).toMatchObject({ code: 'E2BIG', step: 'execve' })
    expect(await rejected(session.run(['true', 'x'.repeat(4_000_000)]))).toMatchObject({ code: 'E2BIG', step: 'execve' })
    expect((await session.run(['echo', 'there'])).stdout.trimEnd()).toBe('there')
  })
})
