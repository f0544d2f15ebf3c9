import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

import { describeAsRoot } from './double/as-root.ts'
import { done, useRunner } from './double/use-runner.ts'
import type { LaidOut } from './double/worker.ts'

const serving = useRunner({ inputRoot: '/' })
const isFreebsd = process.platform === 'freebsd'
const tools = ['sh', 'ls', 'cat']

/** The files of a small userland by their place in it: programs of the host, and the libraries that they need. */
function programs(): Record<string, string> {
  const files = tools.map((name) => `/bin/${name}`)
  return Object.fromEntries([...files, ...(isFreebsd ? librariesOfTheBase() : librariesOf(files))].map((file) => [file.slice(1), file]))
}

function librariesOf(files: readonly string[]): string[] {
  return files.flatMap((file) => [...execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(/(?:=> )?(\/\S+) \(/g)].map(([, library = '']) => library))
}

/** An image need not have ldd(1). */
function librariesOfTheBase(): string[] {
  const ofTheRoot = readdirSync('/lib').filter((name) => /\.so\.\d+$/.test(name)).map((name) => `/lib/${name}`)
  return ['/libexec/ld-elf.so.1', ...ofTheRoot, ...['/usr/lib/libxo.so.0'].filter((file) => existsSync(file))]
}

function lay(command: readonly string[]): LaidOut {
  const action = serving.worker.lay(command, { folders: ['work/out', 'tmp', 'etc'], request: { workingDirectory: 'work' } })
  for (const [name, file] of Object.entries(programs())) {
    mkdirSync(path.dirname(path.join(action.root, name)), { recursive: true })
    copyFileSync(file, path.join(action.root, name))
  }
  writeFileSync(path.join(action.root, 'etc/who'), 'the userland\n')
  writeFileSync(path.join(action.root, 'top'), 'at the top\n')
  return action
}

describeAsRoot('an input root that is the root', () => {
  it('is all that an action sees, beside /dev, /proc and /tmp of its session', async () => {
    const action = lay(['/bin/sh', '-c', 'pwd; cat /etc/who /top; ls /; ls /tmp /usr/include 2>/dev/null; echo made > out/made; echo x > /tmp/x; echo x > /beside'])
    const { stdout, stderr } = await done(serving.worker, action)
    const [cwd, who, top, ...names] = stdout.trimEnd().split('\n')
    expect([cwd, who, top]).toEqual(['/work', 'the userland', 'at the top'])
    const own = Object.keys(programs()).map((name) => name.split('/')[0])
    expect(new Set(names.filter((name) => !/^\/|^$/.test(name)))).toEqual(new Set(['dev', 'etc', 'tmp', 'top', 'work', ...(isFreebsd ? [] : ['proc']), ...own]))
    expect(stderr).toMatch(/\/beside: Read-only file system/)
    expect(readFileSync(path.join(action.root, 'work/out/made'), 'utf8')).toBe('made\n')
    for (const made of ['work/out/made', 'work', 'bin', 'etc/who']) expect(statSync(path.join(action.root, made)).uid).toBe(process.getuid?.())
    action.remove()
  })

  it('is refused where a link lies beside its folders', async () => {
    const action = lay(['/bin/sh', '-c', 'true'])
    symlinkSync('usr/lib', path.join(action.root, 'link'))
    await expect(serving.worker.run(action.request).answer).rejects.toThrow("'link' at the top of the input root is neither a folder nor a file")
  })
})
