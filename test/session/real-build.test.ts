import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))
const esbuild = path.join(packageRoot, 'node_modules', '@esbuild', `${process.platform}-${process.arch}`)

describeSession('a real build', () => {
  const folders = useFolders()

  test("bundles this package's own TypeScript with esbuild, and the bundle runs afterwards", async () => {
    expect(existsSync(path.join(esbuild, 'bin', 'esbuild'))).toBe(true)
    const inputs = { src: path.join(packageRoot, 'src'), esbuild }
    await using session = await openSession({ toolchain: 'none', inputs, output: folders.output })
    const bundle = ['--bundle', '--platform=node', '--format=esm', '--outfile=/output/buildjail.mjs']
    const { stderr } = await session.run(['/inputs/esbuild/bin/esbuild', '/inputs/src/index.ts', ...bundle])
    expect(stderr).toContain('buildjail.mjs')
    expect(readdirSync(folders.output)).toEqual(['buildjail.mjs'])

    const use = `import(process.argv[1]).then(({ planOf }) => console.log(planOf({ toolchain: 'none' }).cwd))`
    const ran = spawnSync(process.execPath, ['-e', use, path.join(folders.output, 'buildjail.mjs')], { encoding: 'utf8' })
    expect([ran.stdout, ran.stderr]).toEqual(['/tmp\n', ''])
  })

  test('compiles hello.c by the example, runs it inside and on the host', () => {
    const example = path.join(packageRoot, 'examples', 'hello', 'hello.mjs')
    const { stdout, stderr, status } = spawnSync(process.execPath, [example], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    const hasCompiler = spawnSync('cc', ['--version']).error === undefined
    if (hasCompiler) expect(stdout.match(/hello/gi)?.length).toBeGreaterThanOrEqual(2)
    else expect(stdout).toContain('no cc in the session')
    expect(stdout).toMatch(/jail_set|clone|blank/)
  })
})
