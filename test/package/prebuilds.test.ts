import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { checkArtefact } from '../../scripts/prebuilds/check.mjs'
import { artefacts } from '../../src/native/artefacts.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const built = path.join(root, 'build', 'Release', 'buildjail')
const ofGlibc = artefacts.find(({ name }) => name === 'linux-x64-gnu')

test('the release workflow makes every prebuilt addon of the table, and no other', () => {
  const workflow = readFileSync(path.join(root, '.github', 'workflows', 'release.yml'), 'utf8')
  const names = [...workflow.matchAll(/^ +- \{ name: ([\w-]+)/gm)].map(([, name]) => name)
  expect(names.sort()).toEqual(artefacts.map(({ name }) => name).sort())
})

test('no two rows of the table are for the same program', () => {
  const kinds = artefacts.map(({ system, arch, libc }) => [system, arch, libc].join())
  expect(new Set(kinds).size).toBe(kinds.length)
})

// What is compiled for this machine alone is what must not be given away: it needs the C++ library of the host.
describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(`${built}.node`))('a prebuilt addon is refused (on Linux with an addon compiled here)', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-prebuilds-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const check = (changes: object): unknown => {
    const artefact = { ...ofGlibc, ...changes, addon: 'an.node', watcher: 'an-watch' }
    if (!existsSync(path.join(folder, 'an.node'))) copyFileSync(`${built}.node`, path.join(folder, 'an.node'))
    copyFileSync(`${built}-watch`, path.join(folder, 'an-watch'))
    return checkArtefact(artefact, folder)
  }

  test('where it needs a library that not every system has', () => {
    expect(() => check({})).toThrow(/an\.node would not load.*needs libstdc\+\+\.so\.6/s)
  })

  test('where it needs a newer version of a symbol than the oldest system has', () => {
    const libraries = [...(ofGlibc?.libraries ?? []), 'libstdc++.so.6']
    const newest = { GLIBC: '2.2', GCC: '99', GLIBCXX: '99', CXXABI: '99' }
    expect(() => check({ libraries, newest })).toThrow(/GLIBC_2\.\d+(\.\d+)? is newer than 2\.2/)
    expect(() => check({ libraries, newest: { ...newest, GLIBC: '99' } })).not.toThrow()
  })

  test('where it is for another processor, or no program at all', () => {
    expect(() => check({ arch: 'arm64' })).toThrow('it is not of arm64')
    writeFileSync(path.join(folder, 'an.node'), 'nothing')
    expect(() => check({})).toThrow()
  })
})
