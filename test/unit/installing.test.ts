import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
