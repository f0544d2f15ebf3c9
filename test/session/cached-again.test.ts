import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'

import { build, filesOf, inputsDigest, planOf, type RecordedFiles, type Spec } from '../../src/index.ts'
import { mkfifo } from './fifo.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { rejected } from './rejected.ts'

/** A folder `src` is the working directory, and an input with `overlay` and `exclude` as given. */
interface Task {
  readonly script: string
  /** Files and folders of it, the latter with a slash at the end; and links. */
  readonly files?: readonly string[]
  readonly links?: Readonly<Record<string, string>>
  readonly prepare?: () => void
  readonly input?: { readonly overlay?: true; readonly exclude?: readonly string[] }
  /** More of its spec. */
  readonly spec?: () => Spec
  /** FreeBSD's kernel does not tell where links lead. */
  readonly isOfLinux?: true
  readonly isOfMerged?: true
}

const withNode = (text: string): Pick<Task, 'script' | 'spec' | 'isOfLinux'> => ({ script: `${process.execPath} -e '${text}'`, spec: () => ({ toolchain: ['host', 'node'] }), isOfLinux: true })
/** A folder that a merged host has at two paths (file-hierarchy(7)), and that no program here needs. */
const merged = lstatSync('/lib').isSymbolicLink() ? readdirSync('/usr/lib').find((name) => /^(apt|dpkg|mime|sasl2|systemd|sysusers\.d|tmpfiles\.d)$/.test(name)) : undefined

/** O_PATH of open(2). */
const held = 0o10000000

describeSession('a run for a cache', () => {
  const folders = useFolders()
  const at = (name: string): string => path.join(folders.top, name)
  const make = (name: string, text = name): void => {
    mkdirSync(path.dirname(at(name)), { recursive: true })
    if (name.endsWith('/')) mkdirSync(at(name), { recursive: true })
    else writeFileSync(at(name), text)
  }
  beforeEach(() => make('src/a'))

  const prepare = (task: Task): void => {
    for (const name of task.files ?? []) make(name)
    for (const [name, target] of Object.entries(task.links ?? {})) symlinkSync(target, at(name))
    task.prepare?.()
  }
  const run = async ({ script, input = {}, spec = () => ({}) }: Task): Promise<{ readonly files: RecordedFiles; readonly since: number; readonly said: string }> => {
    // Time stamps of files are behind by up to a tick (clock_gettime(2)).
    await new Promise((resolve) => void setTimeout(resolve, 50))
    const { inputs, ...more } = spec()
    const since = Date.now()
    const plan = planOf({ toolchain: 'host', cwd: '/inputs/src', ...more, inputs: { src: { path: at('src'), ...input }, ...inputs }, trace: true })
    const { trace, stdout } = await build(plan, ['sh', '-c', script])
    if (trace === undefined) throw new Error('there is no trace')
    return { files: filesOf(trace, plan, Infinity), since, said: stdout }
  }

  const shut = (): void => chmodSync(at('src/private'), 0o700)
  const interpreted = (): void => {
    cpSync(realpathSync('/bin/sh'), at('src/i'))
    make('src/s', '#!gen/../i\necho found\n')
  }
  const byRootLink = (): Spec => ({ inputs: { [`/usr/lib/${merged}`]: at('q') } })

  const again: readonly (readonly [name: string, Task, change: () => void])[] = [
    ['a folder comes that was missing before `..`', { script: 'cat gen/../a || echo none', isOfLinux: true }, () => make('src/gen/')],
    ['that comes where it was missing on a path from the root', { script: 'cat /inputs/src/gen/../../src/a || echo none', isOfLinux: true }, () => make('src/gen/')],
    ['a file before `..` becomes a folder', { script: 'cat file/../a || echo none', files: ['src/file'], isOfLinux: true }, () => (rmSync(at('src/file')), make('src/file/'))],
    ['a folder comes of which `..` was asked', { script: 'if test -d gen/..; then echo there; fi', isOfLinux: true }, () => make('src/gen/')],
    ['a folder comes before `..` in the name of an interpreter', { script: 'chmod +x s; ./s || echo none', prepare: interpreted, input: { overlay: true }, isOfLinux: true }, () => make('src/gen/')],
    ['a file comes behind a link of the root', { script: `cat /lib/${merged}/x || echo none`, files: ['q/y'], spec: byRootLink, isOfMerged: true }, () => make('q/x')],
    ['a file comes where a link of an input leads through one of the root', { script: 'cat link || echo none', files: ['q/y'], links: { 'src/link': `/lib/${merged}/x` }, spec: byRootLink, isOfMerged: true }, () => make('q/x')],
    ['a file comes behind a link that the build made', { script: 'ln -s /inputs/src /tmp/w; cat /tmp/w/none || echo none', isOfLinux: true }, () => make('src/none')],
    ['a folder on the way opens', { script: 'cat private/key || echo none', files: ['src/private/key'], prepare: shut }, () => chmodSync(at('src/private'), 0o755)],
    ['a file changes that was only held at first', { ...withNode(`const fs = require("fs"); const fd = fs.openSync("a", ${held}); process.stdout.write(fs.readFileSync("/proc/self/fd/" + fd))`) }, () => make('src/a', 'src/b')],
    ['a file changes of which it kept what it had made, as Python keeps bytecode', { script: 'if test a -nt made; then cat a; else cat made; fi', files: ['src/made'] }, () => make('src/a', 'other')],
    ['something comes in a folder of an overlay that it removed', { script: 'rmdir e && echo gone || echo stays', files: ['src/e/'], input: { overlay: true } }, () => make('src/e/f')],
    ['a folder comes in which it could not make one', { script: 'mkdir e/f && echo made || echo none', input: { overlay: true } }, () => make('src/e/')],
    ['a file comes in the place of a missing folder', { script: 'cat e/f 2>&1 || true' }, () => make('src/e')],
    ['a file comes where a link led to nothing', { script: 'readlink link; cat link || echo none', links: { 'src/link': 'late' } }, () => make('src/late')],
  ]
  const relink = (target: string): void => (rmSync(at('src/link')), symlinkSync(target, at('src/link')))
  const behindLinks: typeof again = [
    ['a link leads elsewhere that one of the build led to', { script: 'ln -s /inputs/src/link /tmp/l; cat /tmp/l', files: ['src/b'], links: { 'src/link': 'a' }, isOfLinux: true }, () => relink('b')],
    ['a link to a folder leads elsewhere that one of the build led to', { script: 'ln -s link /tmp/l; ln -s /inputs/src/link /tmp/link; cat /tmp/l/f', files: ['src/d/f', 'src/e/f'], links: { 'src/link': 'd' }, isOfLinux: true }, () => relink('e')],
    ['a link leads elsewhere on the way to nothing', { script: 'ln -s /inputs/src/link /tmp/l; cat /tmp/l || echo none', links: { 'src/link': 'nowhere' }, isOfLinux: true }, () => relink('a')],
    ['a link before `..` leads elsewhere', { script: 'cat link/../f', files: ['src/d/x/', 'src/d/f', 'src/e/x/', 'src/e/f'], links: { 'src/link': 'd/x' }, isOfLinux: true }, () => relink('e/x')],
    ['a link before `..` leads elsewhere that one of the build led to', { script: 'ln -s /inputs/src/link /tmp/l; cat /tmp/l/../f', files: ['src/d/x/', 'src/d/f', 'src/e/x/', 'src/e/f'], links: { 'src/link': 'd/x' }, isOfLinux: true }, () => relink('e/x')],
    ['a link before `..` leads to a folder, which led to nothing', { script: 'cat link/../a || echo none', files: ['src/e/'], links: { 'src/link': 'nowhere' }, isOfLinux: true }, () => relink('e')],
    ['a folder before `..` goes', { script: 'cat e/../a || echo none', files: ['src/e/'], isOfLinux: true }, () => rmSync(at('src/e'), { recursive: true })],
    ['a folder is shut that a link of the build and a slash led to', { script: 'ln -s /inputs/src/e /tmp/l; stat -c %a /tmp/l/', files: ['src/e/'], isOfLinux: true }, () => chmodSync(at('src/e'), 0o700)],
    ['the mode of a fifo changes', { script: 'ls -l p', prepare: () => (mkfifo(at('src/p')), chmodSync(at('src/p'), 0o644)) }, () => chmodSync(at('src/p'), 0o600)],
  ]
  for (const [name, task, change] of [...again, ...behindLinks]) {
    test.skipIf((task.isOfLinux === true && isFreebsd) || (task.isOfMerged === true && merged === undefined))(`does not count if ${name}`, async () => {
      prepare(task)
      const before = await run(task)
      const digest = await inputsDigest(before.files, { unchangedSince: before.since, toolchain: true })
      expect(await inputsDigest(before.files, { toolchain: true })).toBe(digest)
      change()
      expect((await run(task)).said).not.toBe(before.said)
      expect(await inputsDigest(before.files, { toolchain: true })).not.toBe(digest)
    })
  }

  const incomplete: readonly (readonly [name: string, Task])[] = [
    ['goes through a descriptor of a folder', { script: 'cat /dev/fd/3/a 3< .' }],
    ['goes through one by a link', { script: 'cat link/3/a 3< .', links: { 'src/link': '/dev/fd' } }],
    ['goes through the working directory of a process by a link', { script: 'cat link/a', links: { 'src/link': '/proc/self/cwd' } }],
    ['opens the descriptor of a process by its number', { script: 'exec 3< a; cat /proc/$$/fd/3' }],
  ]
  for (const [name, task] of incomplete) {
    test.skipIf(isFreebsd)(`is refused that ${name}`, async () => {
      prepare(task)
      const { files } = await run(task)
      expect(await rejected(inputsDigest(files))).toMatchObject({ code: 'ERR_BUILDJAIL_TRACE_INCOMPLETE' })
    })
  }

  const alike: readonly (readonly [name: string, Task, change: () => void])[] = [
    ['looked at a link that leads to nothing', { script: 'ls -l link; readlink link', links: { 'src/link': 'nowhere' } }, () => make('src/unread')],
    ['followed a link to what is excluded', { script: 'cat link || echo none', files: ['src/hidden/key'], links: { 'src/link': 'hidden/key' }, input: { exclude: ['hidden/'] } }, () => make('src/hidden/key', 'another')],
    ['followed a link to a file that is excluded', { script: 'cat link; cat a', files: ['src/key'], links: { 'src/link': 'key' }, input: { exclude: ['key'] } }, () => make('src/key', 'another')],
    ['opened its standard input again', { script: 'echo a | cat /dev/stdin /proc/self/fd/0', isOfLinux: true }, () => make('src/a', 'src/b')],
    ['listed an output that was empty', { script: 'ls /output; mkdir /output/d; cp a /output/d; mv /output/d/a /output/b; ln -s b /output/c; ls /output', spec: () => ({ output: folders.output }) }, () => make('src/unread')],
  ]
  for (const [name, task, change] of alike) {
    test.skipIf(task.isOfLinux === true && isFreebsd)(`counts that ${name}`, async () => {
      prepare(task)
      const { files, since } = await run(task)
      const digest = await inputsDigest(files, { unchangedSince: since, toolchain: true })
      change()
      expect(await inputsDigest(files, { toolchain: true })).toBe(digest)
    })
  }

  test('is refused that listed what an earlier run left in its output', async () => {
    writeFileSync(path.join(folders.output, 'old'), '')
    const { files, since } = await run({ script: 'echo /output/*', spec: () => ({ output: folders.output }) })
    expect(await rejected(inputsDigest(files, { unchangedSince: since }))).toMatchObject({ code: 'ERR_BUILDJAIL_OUTPUT_READ', path: '/output/old' })
  })
})
