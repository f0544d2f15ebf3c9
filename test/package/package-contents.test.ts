import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

import { platformManifest, publishedManifest, stagePackages } from '../../scripts/release/packages.mjs'
import { artefacts } from '../../src/native/artefacts.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Packed {
  readonly size: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

const stage = mkdtempSync(path.join(tmpdir(), 'buildjail-staged-'))
afterAll(() => rmSync(stage, { recursive: true }))
const hasNpm = spawnSync('npm', ['--version']).status === 0

/** Undefined where there is no npm, as in a FreeBSD guest. */
function packed(): Packed | undefined {
  if (!hasNpm) return undefined
  stagePackages(stage)
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: path.join(stage, 'buildjail'), encoding: 'utf8', maxBuffer: 16 << 20 })
  return (JSON.parse(stdout) as Packed[])[0]
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
    expect([...new Set(names.map((name) => name.split('/')[0]))].sort()).toEqual([
      'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bench', 'dist', 'docs', 'examples', 'native', 'package.json', 'scripts',
    ])
  })

  test('is what compiling takes', () => {
    expect(below('native').sort()).toEqual([...sourcesIn('native'), 'binding.gyp'].sort())
    expect(below('scripts').sort()).toEqual(['build-native.mjs', 'build-native/compile.mjs', 'build-native/gyp-leftovers.mjs', 'build-native/tools.mjs'])
  })

  test('is the compiled form of every source, and of no source that is gone', () => {
    const compiled = below('dist').filter((name) => name.endsWith('.js')).map((name) => name.replace(/js$/, 'ts'))
    expect(compiled.filter((name) => !sourcesIn('src').includes(name))).toEqual([])
    expect(below('dist')).toContain('index.d.ts')
  })

  test('is no object, no test and nothing of a machine', () => {
    expect(names.filter((name) => /\.o$|\.a$|(^|\/)test\/|\.test\.|tsbuildinfo|build-native\.log|\.node$|-watch$/.test(name))).toEqual([])
  })

  test('can be executed where it is a program', () => {
    const programs = found?.files.filter((file) => file.path === 'dist/cli/main.cjs') ?? []
    expect(programs.map((file) => file.mode & 0o111)).toEqual([0o111])
  })

  test('is at most 4 MB', () => {
    expect(found?.size).toBeLessThan(4_000_000)
  })
})

describe('the package.json that is published', () => {
  const own = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  const published = publishedManifest() as Record<string, unknown>

  test('runs nothing on installation, and has neither workspaces nor a peer that tests need', () => {
    // That is an install script too.
    expect(names).not.toContain('binding.gyp')
    for (const name of ['scripts', 'workspaces', 'devDependencies', 'private', 'binary']) expect(published).not.toHaveProperty(name)
    expect(published['peerDependencies']).toEqual({ '@types/node': expect.any(String) as string })
    expect(own).toMatchObject({ private: true, scripts: { install: 'node scripts/build-native.mjs' } })
  })

  test('has the package of each platform of the table, of its own version', () => {
    const { version } = own
    expect(published['optionalDependencies']).toEqual(Object.fromEntries(artefacts.map(({ name }) => [`@buildjail/${name}`, version])))
    for (const artefact of artefacts) {
      const { name, system, arch, libc, addon, watcher } = artefact
      expect(platformManifest(artefact)).toMatchObject({ name: `@buildjail/${name}`, version, os: [system], cpu: [arch], files: [addon, watcher], ...(libc === undefined ? {} : { libc: [libc] }) })
    }
  })

  test.skipIf(found === undefined)('is the one in the folder that npm takes, whose program is there', () => {
    const folder = path.join(stage, 'buildjail')
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { bin: { buildjail: string } }
    expect(manifest).toEqual(published)
    expect(existsSync(path.join(folder, manifest.bin.buildjail))).toBe(true)
  })
})

test('a clone has no bin, or npx would install the clone, which compiles it; the build makes the link', () => {
  expect(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))).not.toHaveProperty('bin')
})
