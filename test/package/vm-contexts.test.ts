import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

describe('in a context of node:vm', () => {
  let folder = ''

  // A copy, as Vitest takes a file of a link's for one of the project's own, which it compiles.
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-vm-'))
    const installed = path.join(folder, 'node_modules', 'buildjail')
    mkdirSync(installed, { recursive: true })
    for (const name of ['dist', 'package.json']) cpSync(path.join(root, name), path.join(installed, name), { recursive: true })
    symlinkSync(path.join(root, 'node_modules', 'vitest'), path.join(folder, 'node_modules', 'vitest'))
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      path.join(folder, 'use.test.js'),
      `import { expect, test } from 'vitest'
       import { planOf } from 'buildjail'
       test('plans', () => expect(planOf({ toolchain: 'none' }, { platform: 'linux' }).cwd).toBe('/tmp'))`,
    )
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  // Node's loader and theirs disagree about some modules, as those of JSON.
  test.each(['vmThreads', 'vmForks'])('the package can be imported: Vitest has them in its pool %s', (pool) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--root', folder, `--pool=${pool}`], { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } })
    expect(`${stdout}${stderr}`).toMatch(/Tests +1 passed/)
    expect(status).toBe(0)
  })
})
