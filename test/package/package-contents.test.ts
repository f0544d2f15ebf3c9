import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Packed {
  readonly size: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

/** Undefined where there is no npm, as in a FreeBSD guest. */
function packed(): Packed | undefined {
  const { status, stdout } = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: root, encoding: 'utf8', maxBuffer: 16 << 20 })
  return status === 0 ? (JSON.parse(stdout) as Packed[])[0] : undefined
}

const found = packed()
const names = found?.files.map((file) => file.path) ?? []
const below = (folder: string): string[] => names.filter((name) => name.startsWith(`${folder}/`)).map((name) => name.slice(folder.length + 1))
const sourcesIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(path.join(root, folder), path.join(entry.parentPath, entry.name)))

describe.skipIf(found === undefined)('what npm packs (skipped without npm)', () => {
  test('is these files and folders, and no more', () => {
    expect([...new Set(names.map((name) => name.split('/')[0]))].filter((name) => name !== 'prebuilds').sort()).toEqual([
      'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bench', 'binding.gyp', 'dist', 'docs', 'examples', 'native', 'package.json', 'scripts',
    ])
  })

  test('is what compiling takes', () => {
    expect(below('native').sort()).toEqual(sourcesIn('native').sort())
    expect(below('scripts').sort()).toEqual(['install.mjs', 'install/compile.mjs', 'install/gyp-leftovers.mjs', 'install/prebuilt.mjs', 'install/tools.mjs'])
  })

  test('is the compiled form of every source, and of no source that is gone', () => {
    const compiled = below('dist').filter((name) => name.endsWith('.js')).map((name) => name.replace(/js$/, 'ts'))
    expect(compiled.filter((name) => !sourcesIn('src').includes(name))).toEqual([])
    expect(below('dist')).toContain('index.d.ts')
  })

  test('is no object, no test and nothing of a machine', () => {
    expect(names.filter((name) => /\.o$|\.a$|(^|\/)test\/|\.test\.|tsbuildinfo|install\.log|-programs\//.test(name))).toEqual([])
    for (const name of below('prebuilds')) expect(name).toMatch(/^(freebsd|linux)-\w+(-\w+)?(\.node|-watch)$/)
  })

  test('can be executed where it is a program', () => {
    const programs = found?.files.filter((file) => file.path === 'dist/cli/main.cjs' || file.path.endsWith('-watch')) ?? []
    expect(programs.filter((file) => (file.mode & 0o111) === 0)).toEqual([])
  })

  test('is at most 4 MB', () => {
    expect(found?.size).toBeLessThan(4_000_000)
  })
})
