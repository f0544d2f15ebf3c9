import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const isNative = process.platform === 'freebsd' || process.platform === 'linux'
/** Undefined where there is none for this system. */
const esbuild = await import('esbuild').catch(() => undefined)
const program = `const { preflight } = require('buildjail'); console.log(JSON.stringify(preflight().obstacles.map(({ check }) => check)))`

describe.skipIf(!isNative)('a program that is no ES module', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-bundle-'))
    mkdirSync(path.join(folder, 'node_modules'))
    mkdirSync(path.join(folder, 'out'))
    symlinkSync(root, path.join(folder, 'node_modules', 'buildjail'))
    writeFileSync(path.join(folder, 'program.cjs'), program)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** The checks that found an obstacle. Without the addon that is `binding`. */
  const run = (file: string): unknown => {
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', cwd: '/' })
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }

  test('has it by require()', () => {
    expect(run(path.join(folder, 'program.cjs'))).not.toContain('binding')
  })

  test.skipIf(esbuild === undefined).each(['cjs', 'esm'] as const)('is bundled with it, as %s, and finds the addon where the package is installed', async (format) => {
    const outfile = path.join(folder, 'out', format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs')
    const entry = path.join(folder, 'entry.mjs')
    writeFileSync(entry, program.replace("const { preflight } = require('buildjail');", "import { preflight } from 'buildjail';"))
    await esbuild?.build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile, logLevel: 'error' })
    expect(run(outfile)).not.toContain('binding')
  })

  test.skipIf(esbuild === undefined).each(['cjs', 'esm'] as const)('is told that it is bundled, as %s, and what to do, where the package is not installed', async (format) => {
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'buildjail-bundle-'))
    try {
      const outfile = path.join(elsewhere, format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs')
      const entry = path.join(folder, 'told.mjs')
      writeFileSync(entry, "import { preflight } from 'buildjail'; console.log(JSON.stringify(preflight().obstacles))")
      await esbuild?.build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile, logLevel: 'error' })
      const remedy = 'leave it out of the bundle (`--external:buildjail` of esbuild), and install it where the bundle runs'
      expect(run(outfile)).toEqual([{ check: 'binding', problem: `buildjail seems to be bundled in ${outfile}, and its native code is not: ${remedy}`, remedy }])
      await esbuild?.build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile: path.join(folder, 'out', path.basename(outfile)), external: ['buildjail'], logLevel: 'error' })
      expect(JSON.stringify(run(path.join(folder, 'out', path.basename(outfile))))).not.toContain('"binding"')
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })
})
