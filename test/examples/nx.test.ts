import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { ended, installed, passed } from './installed.ts'

const cachedTask = fileURLToPath(new URL('../../examples/cached-tasks/cached-task.mjs', import.meta.url))
const count = ['npx', 'nx', 'run', 'hello:count', '--output-style=static']
const build = ['npx', 'nx', 'run', 'hello:build', '--output-style=static']

describeSession('an executor of Nx', () => {
  const folders = useFolders()

  // The copy of its addon that Nx keeps in /tmp/.nx stays there, as wherever Nx runs.
  const env = (): Record<string, string> => ({ NX_DAEMON: 'false', NX_TUI: 'false', NX_SOCKET_DIR: path.join(folders.top, 'nx') })

  test('builds in sessions what is not in Nx’s cache, and what a build cannot see makes no difference', async (context) => {
    const { folder, why } = await installed('nx', folders.top)
    if (why !== undefined) return context.skip(why)
    const built = (): string => readFileSync(path.join(folder, 'dist', 'hello', 'hello.txt'), 'utf8')

    const first = await passed(build, folder, env())
    expect(first).not.toContain('[local cache]')
    // A project that it does not depend on.
    expect(first).toContain('other is not there')
    expect(built()).toBe('hello, world\n')

    rmSync(path.join(folder, 'dist'), { recursive: true })
    expect(await passed(build, folder, env())).toMatch(/words:build +\[local cache\][^]*hello:build +\[local cache\]/)
    expect(built()).toBe('hello, world\n')

    appendFileSync(path.join(folder, 'words', 'words.txt'), 'more\n')
    expect(await passed(build, folder, env())).not.toContain('[local cache]')
    expect(built()).toBe('hello, world, more\n')

    writeFileSync(path.join(folder, 'other', 'changed'), '')
    expect(await passed(build, folder, env())).toMatch(/words:build +\[local cache\][^]*hello:build +\[local cache\]/)

    // It is there on the host, but the build does not say that it needs it.
    const file = path.join(folder, 'hello', 'project.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/ *"implicitDependencies".*\n/, ''))
    const { status, said } = await ended(build, folder, env())
    expect(status).not.toBe(0)
    expect(said).toContain("Cannot find module '../dist/words/words.json'")
  })

  test('runs again only what read something that has changed, where its cache is keyed by a trace', async (context) => {
    const { folder, why } = await installed('nx', folders.top)
    if (why !== undefined) return context.skip(why)
    copyFileSync(cachedTask, path.join(folder, 'tools/session/cached-task.mjs'))
    const same = 'nothing that it read has changed'
    const counted = (): string => readFileSync(path.join(folder, 'dist', 'hello', 'count.txt'), 'utf8')

    expect(await passed(count, folder, env())).not.toContain(same)
    expect(counted()).toBe('2\n')
    // A file of its own project, which Nx would hash.
    appendFileSync(path.join(folder, 'hello', 'build.js'), '// changed\n')
    rmSync(path.join(folder, 'dist', 'hello'), { recursive: true })
    expect(await passed(count, folder, env())).toContain(same)
    expect(counted()).toBe('2\n')

    appendFileSync(path.join(folder, 'words', 'words.txt'), 'more\n')
    expect(await passed(count, folder, env())).not.toContain(same)
    expect(counted()).toBe('3\n')
  })
})
