import { cpSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { build, here, preflight } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession, isFreebsd } from '../session/kernel.ts'
import { lackingOf, software } from './software.ts'

// A link, where an ordinary user runs this.
const ownModules = realpathSync(fileURLToPath(new URL('../../node_modules', import.meta.url)))
const missing = preflight().limitations.find(({ check }) => check === 'overlay')
const describeOverlays = missing === undefined && !isFreebsd ? describeSession : describeSession.skip

interface Project {
  readonly name: string
  readonly needs: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  /** It has the packages that this one is tested with. */
  readonly hasModules?: true
  /** A folder of `projects`, which was fetched with its dependencies. It has no `files`. */
  readonly fetched?: string
  /** From the project on. */
  readonly cwd?: string
  readonly command: string
  readonly prints: RegExp
}

const vitest = {
  'package.json': '{ "private": true, "type": "module", "scripts": { "test": "vitest run" } }',
  'vitest.config.ts': "import { defineConfig } from 'vitest/config'\nexport default defineConfig({ test: { environment: 'node' } })\n",
  'a.test.ts': "import { expect, test } from 'vitest'\ntest('one', () => expect(1 as number).toBe(1))\n",
}
const reference = { composite: true, rootDir: 'src', outDir: 'dist', module: 'nodenext', moduleResolution: 'nodenext' }
const part = (name: string): Record<string, string> => ({
  [`packages/${name}/package.json`]: `{ "name": "${name}", "type": "module" }`,
  [`packages/${name}/tsconfig.json`]: JSON.stringify({ compilerOptions: reference, include: ['src'] }),
  [`packages/${name}/src/index.ts`]: 'export const one: number = 1\n',
})

const projects: readonly Project[] = [
  { name: 'Vitest with a config in TypeScript', needs: ['npm'], files: vitest, hasModules: true, command: 'npm test', prints: /1 passed/ },
  {
    name: 'a pnpm workspace with project references',
    needs: [],
    files: {
      'pnpm-workspace.yaml': 'packages: ["packages/*"]\n', 'package.json': '{ "private": true }',
      'tsconfig.json': JSON.stringify({ files: [], references: [{ path: 'packages/a' }, { path: 'packages/b' }] }), ...part('a'), ...part('b'),
    },
    hasModules: true,
    cwd: 'packages/a',
    command: 'node ../../node_modules/typescript/bin/tsc -b ../.. && ls dist ../b/dist',
    prints: /index\.d\.ts[^]*index\.d\.ts/,
  },
  { name: 'a pnpm workspace, by pnpm', needs: ['npm'], fetched: 'pnpm', command: 'npm run build && npm run build', prints: /made by pnpm[^]*made by pnpm/ },
  { name: 'Next', needs: ['npm'], fetched: 'next', command: 'NEXT_TELEMETRY_DISABLED=1 npm run build && grep -rl "made by Next" .next | head -n 1', prints: /^\.next\//m },
  { name: 'Astro', needs: ['npm'], fetched: 'astro', command: 'ASTRO_TELEMETRY_DISABLED=1 npm run build && cat dist/index.html', prints: /<h1>made by Astro<\/h1>/ },
  {
    name: 'Rust with Cargo.lock',
    needs: ['cargo'],
    files: { 'Cargo.toml': '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n', 'src/lib.rs': '#[test] fn one() { assert_eq!(1, 1); }\n' },
    command: 'cargo test && ls',
    prints: /1 passed[^]*Cargo\.lock/,
  },
  {
    name: 'Python in a virtual environment',
    needs: ['python3'],
    files: { 'pyproject.toml': '[project]\nname = "demo"\nversion = "1"\n', 'test_one.py': 'import unittest\nclass One(unittest.TestCase):\n    def test(self):\n        pass\n' },
    command: 'python3 -m venv --without-pip .venv && .venv/bin/python -m unittest',
    prints: /^OK$/m,
  },
  { name: 'Go', needs: ['go'], files: { 'go.mod': 'module demo\n\ngo 1.18\n', 'one_test.go': 'package demo\n\nimport "testing"\n\nfunc TestOne(t *testing.T) {}\n' }, command: 'go test ./...', prints: /^ok/m },
  {
    name: 'CMake',
    needs: ['cmake', 'cc'],
    files: { 'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.13)\nproject(demo C)\nadd_executable(demo demo.c)\nenable_testing()\nadd_test(NAME demo COMMAND demo)\n', 'demo.c': 'int main(void) { return 0; }\n' },
    command: 'cmake -S . -B build && cmake --build build && ctest --test-dir build',
    prints: /100% tests passed/,
  },
  { name: 'make in the tree', needs: ['make', 'cc'], files: { Makefile: 'demo: demo.o\n\tcc -o demo demo.o\n', 'demo.c': 'int main(void) { return 0; }\n' }, command: 'make && ls', prints: /demo\.o/ },
  {
    name: 'Java',
    needs: ['javac'],
    files: { 'pom.xml': '<project/>', 'One.java': 'public class One { public static void main(String[] words) { System.out.println("ran"); } }\n' },
    command: 'javac One.java && java One',
    prints: /ran/,
  },
]

describeOverlays('a project as it is, with nothing declared', () => {
  const folders = useFolders()

  test.for(projects)('$name', async ({ needs, files = {}, hasModules, fetched, cwd = '.', command, prints }, context) => {
    const whole = fetched === undefined ? { folder: undefined, why: undefined } : software(fetched)
    const why = lackingOf(needs) ?? whole.why
    context.skip(why !== undefined, why)
    const at = path.join(folders.top, 'project')
    if (whole.folder !== undefined) cpSync(whole.folder, at, { recursive: true, verbatimSymlinks: true })
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(at, name)), { recursive: true })
      writeFileSync(path.join(at, name), text)
    }
    if (hasModules === true) cpSync(ownModules, path.join(at, 'node_modules'), { recursive: true, verbatimSymlinks: true, filter: (source) => !/node_modules\/\.(cache|vite)/.test(source) })
    // Next looks at each, and ends at such a link outside as well.
    if (whole.folder === undefined) symlinkSync('/nowhere', path.join(at, 'broken'))
    const before = readdirSync(at).toSorted()
    const { stdout, stderr } = await build(here({ cwd: path.join(at, cwd) }), ['sh', '-c', command], { timeout: '5m' })
    expect(`${stdout}\n${stderr}`).toMatch(prints)
    expect(readdirSync(at).toSorted()).toEqual(before)
  })
})
