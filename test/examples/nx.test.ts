import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { ended, installed, passed } from './installed.ts'

const build = ['npx', 'nx', 'run', 'hello:build', '--output-style=static']

describeSession('an executor of Nx', () => {
  const folders = useFolders()

  test('builds in sessions what is not in Nx’s cache, and what a build cannot see makes no difference', async (context) => {
    const { folder, why } = await installed('nx', folders.top)
    if (why !== undefined) return context.skip(why)
    // The copy of its addon that it keeps in /tmp/.nx stays there, as wherever Nx runs.
    const env = { NX_DAEMON: 'false', NX_TUI: 'false', NX_SOCKET_DIR: path.join(folders.top, 'nx') }
    const built = (): string => readFileSync(path.join(folder, 'dist', 'hello', 'hello.txt'), 'utf8')

    const first = await passed(build, folder, env)
    expect(first).not.toContain('[local cache]')
    // A project that it does not depend on.
    expect(first).toContain('other is not there')
    expect(built()).toBe('hello, world\n')

    rmSync(path.join(folder, 'dist'), { recursive: true })
    expect(await passed(build, folder, env)).toMatch(/words:build +\[local cache\][^]*hello:build +\[local cache\]/)
    expect(built()).toBe('hello, world\n')

    appendFileSync(path.join(folder, 'words', 'words.txt'), 'more\n')
    expect(await passed(build, folder, env)).not.toContain('[local cache]')
    expect(built()).toBe('hello, world, more\n')

    writeFileSync(path.join(folder, 'other', 'changed'), '')
    expect(await passed(build, folder, env)).toMatch(/words:build +\[local cache\][^]*hello:build +\[local cache\]/)

    // It is there on the host, but the build does not say that it needs it.
    const file = path.join(folder, 'hello', 'project.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/ *"implicitDependencies".*\n/, ''))
    const { status, said } = await ended(build, folder, env)
    expect(status).not.toBe(0)
    expect(said).toContain("Cannot find module '../dist/words/words.json'")
  })
})
