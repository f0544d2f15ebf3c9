import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const isNative = process.platform === 'freebsd' || process.platform === 'linux'
const parts = ['package.json', 'scripts/build-native.mjs', 'scripts/build-native']

describe.skipIf(!isNative)('where there is nothing to compile with', () => {
  let folder = ''

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-install-'))
    for (const name of [...parts, 'dist']) cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('what the error says to type, says in one line what to install', () => {
    const doctor = spawnSync(process.execPath, [path.join(folder, 'dist', 'cli', 'main.cjs'), 'doctor', '--json'], { encoding: 'utf8' })
    const { obstacles } = JSON.parse(doctor.stdout) as { obstacles: { check: string; problem: string; remedy: string }[] }
    const typed = `node ${path.join(folder, 'scripts', 'build-native.mjs')}`
    expect(obstacles).toMatchObject([{ check: 'binding', remedy: `build the native code: ${typed}` }])
    expect(obstacles[0]?.problem).toContain(`build it with \`${typed}\``)
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(folder, 'scripts', 'build-native.mjs')], { encoding: 'utf8', env: { PATH: '/nonexistent' } })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^buildjail: [^\n]* a C\+\+20 compiler, g?make, Python 3[^\n]* then run this again\n$/)
  })
})

// Stands in for a compiler: what gyp and make have written at their end, as each of the places of node-addon-api has them.
const nodeGyp = `
const { mkdirSync, writeFileSync } = require('node:fs')
const path = require('node:path')
const rules = path.join('build', path.dirname(require(require.resolve('node-addon-api', { paths: [process.cwd()] })).targets))
for (const folder of [rules, 'build/Release/obj.target']) mkdirSync(folder, { recursive: true })
for (const name of ['node_addon_api.Makefile', 'node_addon_api.target.mk', 'node_addon_api_except_all.target.mk']) writeFileSync(path.join(rules, name), '')
for (const name of ['buildjail.node', 'buildjail-watch']) writeFileSync('build/Release/' + name, '')`

describe.skipIf(!isNative)('compiling', () => {
  test.each([
    ['beside the package', 'node_modules/buildjail', 'node_modules/node-addon-api'],
    ['in a folder of its own, as pnpm has it', 'node_modules/.pnpm/buildjail@1/node_modules/buildjail', 'node_modules/.pnpm/node-addon-api@8/node_modules/node-addon-api'],
    ['below the package', 'node_modules/buildjail', 'node_modules/buildjail/node_modules/node-addon-api'],
  ])('leaves nothing behind but what it has made, where node-addon-api lies %s', (_where, own, api) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-install-'))
    try {
      const [ownFolder, apiFolder] = [path.join(folder, own), path.join(folder, api)]
      for (const name of parts) cpSync(path.join(root, name), path.join(ownFolder, name), { recursive: true })
      cpSync(path.join(root, 'node_modules', 'node-addon-api'), apiFolder, { recursive: true })
      const beside = path.join(path.dirname(ownFolder), 'node-addon-api')
      if (own.includes('.pnpm')) symlinkSync(apiFolder, beside)
      mkdirSync(path.join(folder, 'bin'))
      for (const name of ['g++', 'make', 'gmake', 'python3']) writeFileSync(path.join(folder, 'bin', name), '')
      writeFileSync(path.join(folder, 'node-gyp.cjs'), nodeGyp)
      const filesOf = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
      const before = filesOf()
      const { status, stderr } = spawnSync(process.execPath, [path.join(ownFolder, 'scripts', 'build-native.mjs')], {
        encoding: 'utf8',
        env: { PATH: path.join(folder, 'bin'), npm_config_node_gyp: path.join(folder, 'node-gyp.cjs') },
      })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const made = ['', '/Release', '/Release/buildjail-watch', '/Release/buildjail.node'].map((name) => `${own}/build${name}`)
      expect(filesOf().filter((name) => !before.includes(name))).toEqual(made)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
