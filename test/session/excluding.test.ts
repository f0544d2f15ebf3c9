import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf, type Spec } from '../../src/index.ts'
import { answeredBy, host } from '../../src/spec/look.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'

describeSession('what an input excludes', () => {
  const folders = useFolders()

  const project = (files: Readonly<Record<string, string>>): string => {
    const at = path.join(folders.top, 'project')
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(at, name)), { recursive: true })
      writeFileSync(path.join(at, name), text)
    }
    execFileSync('chmod', ['-R', 'a+rX', at])
    return at
  }
  const specOf = (at: string, ...exclude: readonly string[]): Spec => ({ inputs: { '/w': { path: at, exclude } }, cwd: '/w' })

  // promise: 1
  test('is empty for the build, under each of its names, and there on the host', async () => {
    const at = project({ '.env': 'secret', '.env.local': 'secret', 'a/b/server.key': 'secret', 'a/c/keys/one': 'secret', 'a/plain': 'plain' })
    symlinkSync('../.env', path.join(at, 'a/link'))
    const { stdout } = await build(specOf(at, '.env*', '**/*.key', 'a/*/keys/'), ['sh', '-c', 'cat .env .env.local a/b/server.key a/link; ls -A a/c/keys; cat a/plain'])
    expect(stdout).toBe('plain')
    expect(readFileSync(path.join(at, '.env'), 'utf8')).toBe('secret')
  })

  // promise: 1
  test('is what a link leads to, where that lies in the input', async () => {
    const at = project({ 'config/secret': 'secret', 'plain': 'plain' })
    symlinkSync('config/secret', path.join(at, '.env'))
    const { stdout } = await build(specOf(at, '.env'), ['sh', '-c', 'cat .env config/secret plain'])
    expect(stdout).toBe('plain')
  })

  // promise: 1
  test('cannot be uncovered, written to or removed by the build', async () => {
    const at = project({ 'keys/one': 'secret', '.env': 'secret' })
    const spec: Spec = { ...specOf(at, 'keys/', '.env'), user: 'root' }
    const tried = 'umount /w/keys; umount /w/.env; mv /w/keys /w/other; rm -rf /w/keys /w/.env; echo more > /w/.env; echo more > /w/keys/two; ls -A /w/keys; cat /w/.env /w/keys/one /w/other/one'
    const { stdout } = await build(spec, ['sh', '-c', tried], { reject: false })
    expect(stdout).toBe('')
    // What sessions have in common for that is as empty as before.
    expect((await build(specOf(at, 'keys/', '.env'), ['sh', '-c', 'ls -A keys; cat .env'])).stdout).toBe('')
  })

  // promise: 1
  test('is empty too where the input is at its own path, in a folder that is mounted', async () => {
    const at = project({ '.env': 'secret' })
    const { stdout } = await build({ inputs: { [at]: { path: at, exclude: ['.env'] } }, cwd: at }, ['cat', '.env'])
    expect(stdout).toBe('')
  })

  test('may be nothing at all, and nothing is left behind', async () => {
    const at = project({ 'plain': 'plain' })
    await build(specOf(at, 'nothing*'), ['true'])
    const before = await hostState()
    const { stdout } = await build(specOf(at, '.env', 'no/such/*', '**/*.key'), ['ls', '-A'])
    expect(stdout).toBe('plain')
    await expectSameState(before)
    expect(readdirSync(at)).toEqual(['plain'])
  })

  test('stands in the plan, each place with its entry', () => {
    const at = project({ '.env': 'secret', 'dist/x': '' })
    const { mounts } = planOf(specOf(at, '.env', 'dist/'))
    const excluded = mounts.filter(({ entry }) => entry.includes('exclude'))
    expect(excluded.map(({ kind, target, entry, writable }) => [kind, target, entry, writable])).toEqual([
      ['file', '/w/.env', 'inputs./w.exclude[0]', false],
      ['bind', '/w/dist', 'inputs./w.exclude[1]', false],
    ])
  })

  test.for([
    [['/abs'], '/abs must be relative to the input'],
    [['a//b'], 'a//b must be relative to the input'],
    [['../a'], '../a must be relative to the input'],
    [['**'], '** fits all of the folder'],
    [[''], 'must not be empty'],
    ['dist', 'must be a list of paths in the folder'],
  ] as const)('is refused as %j', ([exclude, message]) => {
    const inputs = { '/w': { path: folders.top, exclude } } as unknown as NonNullable<Spec['inputs']>
    expect(() => planOf({ inputs })).toThrow(message)
  })

  test('is nothing of a file', () => {
    const at = project({ 'plain': '' })
    expect(() => planOf({ inputs: { one: { path: path.join(at, 'plain'), exclude: ['x'] } } })).toThrow('is a file')
  })

  // promise: 15
  test('may be the output of another session at that time, and be empty all along', async () => {
    const at = project({ 'packages/a/x': '', 'packages/b/x': '' })
    const task = (name: string, other: string) =>
      openSession({ ...specOf(at, `packages/${other}/dist/`), outputs: { [`/w/packages/${name}/dist`]: path.join(at, `packages/${name}/dist`) } })
    await using a = await task('a', 'b')
    await using b = await task('b', 'a')
    await a.run(['sh', '-c', 'echo a > packages/a/dist/made'])
    await b.run(['sh', '-c', 'echo b > packages/b/dist/made'])
    expect((await b.run(['sh', '-c', 'cat packages/*/dist/*'])).stdout).toBe('b')
    expect((await a.run(['sh', '-c', 'cat packages/*/dist/*'])).stdout).toBe('a')
    await expect(openSession(specOf(at, 'packages/a/dist/'))).rejects.toMatchObject({
      code: 'EBUSY',
      remedy: expect.stringContaining(`exclude 'packages/b/dist/' from the input '${at}'`) as string,
    })
    // On FreeBSD what the others have mounted there is found first.
    await expect(openSession({ output: path.join(at, 'packages') })).rejects.toMatchObject({ code: isFreebsd ? 'EOPNOTSUPP' : 'EBUSY' })
  })

  // promise: 15
  test('lets twenty tasks of one checkout run at once, each with an output of its own', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`)
    const at = project(Object.fromEntries(names.map((name) => [`packages/${name}/src`, name])))
    for (const name of names) mkdirSync(path.join(at, `packages/${name}/dist`))
    const others = (name: string): string[] => names.filter((other) => other !== name).map((other) => `packages/${other}/dist/`)
    const task = async (name: string): Promise<void> => {
      const outputs = { [`/w/packages/${name}/dist`]: path.join(at, `packages/${name}/dist`) }
      await build({ ...specOf(at, ...others(name)), outputs }, ['sh', '-c', `cat packages/*/src > packages/${name}/dist/all; ls packages/*/dist > packages/${name}/dist/seen`])
    }
    await Promise.all(names.map(task))
    for (const name of names) {
      const made = (file: string): string => readFileSync(path.join(at, `packages/${name}/dist/${file}`), 'utf8')
      expect(made('all')).toBe(names.toSorted().join(''))
      expect(made('seen').match(/^(all|seen)$/gm)).toEqual(['all', 'seen'])
    }
  })

  test('may be a folder that cannot be read, beside a pattern for all folders', () => {
    const at = project({ 'shut/x': '', 'open/.env': '' })
    const shut = path.join(at, 'shut')
    const open = host()
    const closed = { ...open, readdir: (one: string) => (one === shut ? refuse() : open.readdir(one)) }
    const refuse = (): never => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
    }
    const placesOf = (...exclude: readonly string[]): string[] => answeredBy(closed, () => planOf(specOf(at, ...exclude))).mounts.filter(({ entry }) => entry.includes('exclude')).map(({ target }) => target)
    expect(placesOf('shut', '**/.env')).toEqual(['/w/shut', '/w/open/.env'].toSorted())
    expect(() => placesOf('**/.env')).toThrow('cannot be looked at (EACCES)')
  })

  test('is refused where it is not UTF-8 and could be a secret, and shown where it could not', async () => {
    const at = project({ 'a/b/key.pem': 'secret', 'a/plain': '' })
    writeFileSync(Buffer.from(`${at}/a/Caf\xe9`, 'latin1'), 'shown')
    expect((await build(specOf(at, '**/*.pem'), ['sh', '-c', 'cat a/b/key.pem a/Caf*'])).stdout).toBe('shown')
    mkdirSync(Buffer.from(`${at}/a/B\xfcro`, 'latin1'))
    expect((await build(specOf(at, '**/*.pem'), ['cat', 'a/b/key.pem'])).stdout).toBe('')
    writeFileSync(Buffer.from(`${at}/a/B\xfcro/key.pem`, 'latin1'), 'secret')
    await expect(build(specOf(at, '**/*.pem'), ['true'])).rejects.toThrow('is not UTF-8')
    expect((await build(specOf(at, 'a/b/*'), ['cat', 'a/b/key.pem'])).stdout).toBe('')
  })

  test('is made where it is a folder that is named and missing, and stays', async () => {
    const at = project({ 'packages/a/x': '' })
    await build(specOf(at, 'packages/a/dist/'), ['test', '-d', 'packages/a/dist'])
    expect(existsSync(path.join(at, 'packages/a/dist'))).toBe(true)
    rmSync(path.join(at, 'packages/a/dist'), { recursive: true })
    expect(() => planOf(specOf(at, 'packages/b/dist/', 'packages/*/out/'))).not.toThrow()
  })

  test.skipIf(isFreebsd)('has several names, and is empty under the one that is excluded', async () => {
    const at = project({ 'one': 'secret' })
    linkSync(path.join(at, 'one'), path.join(at, '.env'))
    expect((await build(specOf(at, '.env'), ['cat', '.env'])).stdout).toBe('')
  })
})
