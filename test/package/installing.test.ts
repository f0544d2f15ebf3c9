import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { fittingArtefacts } from '../../src/native/artefacts.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const [artefact] = fittingArtefacts()
const here = [path.join(root, 'build', 'Release', 'buildjail'), path.join(root, 'prebuilds', artefact?.name ?? 'none')].find((file) => existsSync(`${file}.node`))

describe.skipIf(artefact === undefined || here === undefined)('the installer of an unpacked package', () => {
  let folder = ''

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-install-'))
    for (const name of ['package.json', 'dist', 'scripts/install.mjs', 'scripts/install']) cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
    mkdirSync(path.join(folder, 'prebuilds'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const prebuilt = (end: '.node' | '-watch'): string => path.join(folder, 'prebuilds', `${artefact?.name ?? ''}${end}`)

  /** With nothing on its PATH, as where there is no compiler. */
  function install(): { status: number | null; lines: string[] } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(folder, 'scripts', 'install.mjs')], { encoding: 'utf8', env: { PATH: '/nonexistent' } })
    return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') }
  }

  test('does and says nothing where a prebuilt addon loads', () => {
    cpSync(`${here ?? ''}.node`, prebuilt('.node'))
    cpSync(`${here ?? ''}-watch`, prebuilt('-watch'))
    expect(install()).toEqual({ status: 0, lines: [] })
    expect(existsSync(path.join(folder, 'build'))).toBe(false)
  })

  test('says in one line what to install where there is none and nothing to compile with', () => {
    const { status, lines } = install()
    expect({ status, count: lines.length }).toEqual({ status: 1, count: 1 })
    expect(lines[0]).toMatch(/^buildjail: no prebuilt addon .* a C\+\+20 compiler, g?make, Python 3.* then run: node .*install\.mjs$/)
  })

  test('takes none that is only there: it has to load', () => {
    writeFileSync(prebuilt('.node'), 'of another system')
    cpSync(`${here ?? ''}-watch`, prebuilt('-watch'))
    const { status, lines } = install()
    expect({ status, count: lines.length }).toEqual({ status: 1, count: 1 })
    expect(lines[0]).toContain(`${artefact?.addon ?? ''}: `)
  })

  test('takes none whose program cannot be executed', () => {
    cpSync(`${here ?? ''}.node`, prebuilt('.node'))
    cpSync(`${here ?? ''}-watch`, prebuilt('-watch'))
    chmodSync(prebuilt('-watch'), 0o644)
    const { status, lines } = install()
    expect(status).toBe(1)
    expect(lines[0]).toContain('-watch cannot be executed')
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

describe.skipIf(artefact === undefined)('an installer that compiles', () => {
  test.each([
    ['beside the package', 'node_modules/buildjail', 'node_modules/node-addon-api'],
    ['in a folder of its own, as pnpm has it', 'node_modules/.pnpm/buildjail@1/node_modules/buildjail', 'node_modules/.pnpm/node-addon-api@8/node_modules/node-addon-api'],
    ['below the package', 'node_modules/buildjail', 'node_modules/buildjail/node_modules/node-addon-api'],
  ])('leaves nothing behind but what it has made, where node-addon-api lies %s', (_where, own, api) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-install-'))
    try {
      const [ownFolder, apiFolder] = [path.join(folder, own), path.join(folder, api)]
      for (const name of ['package.json', 'scripts/install.mjs', 'scripts/install']) cpSync(path.join(root, name), path.join(ownFolder, name), { recursive: true })
      cpSync(path.join(root, 'node_modules', 'node-addon-api'), apiFolder, { recursive: true })
      const beside = path.join(path.dirname(ownFolder), 'node-addon-api')
      if (own.includes('.pnpm')) symlinkSync(apiFolder, beside)
      mkdirSync(path.join(folder, 'bin'))
      for (const name of ['g++', 'make', 'gmake', 'python3']) writeFileSync(path.join(folder, 'bin', name), '')
      writeFileSync(path.join(folder, 'node-gyp.cjs'), nodeGyp)
      const filesOf = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
      const before = filesOf()
      const { status, stderr } = spawnSync(process.execPath, [path.join(ownFolder, 'scripts', 'install.mjs')], {
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
