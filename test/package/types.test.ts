import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')

const program = `
import { openSession, build, type Spec } from 'buildjail'
import { jailGet } from 'buildjail/freebsd'
const spec: Spec = { inputs: { src: '.' } }
const session = await openSession(spec)
const child = session.spawn(['true'])
child.stdin?.end()
export const text: string = (await session.run(['true'])).stdout
export const built: Promise<unknown> = build(spec, ['true'])
export const jail: unknown = jailGet
`

describe('the types stand alone', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-types-'))
    mkdirSync(path.join(folder, 'node_modules'))
    symlinkSync(root, path.join(folder, 'node_modules', 'buildjail'))
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(path.join(folder, 'program.ts'), program)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  // `types: []` is what a compiler takes that is told nothing (TypeScript 6 and later), and the libraries are read as the user's own are.
  test.each(['nodenext', 'esnext'])('in a project of module %s that names no types of its own', (module) => {
    const options = { module, moduleResolution: module === 'esnext' ? 'bundler' : module, target: 'es2022', strict: true, noEmit: true, types: [], skipLibCheck: false }
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }))
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    expect(stdout).toBe('')
  })
})
