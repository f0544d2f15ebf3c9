import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test, vi } from 'vitest'

import { build, planOf } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

describeSession('what a toolchain brings', () => {
  const folders = useFolders()

  const program = (folder: string, says: string): string => {
    const bin = path.join(folders.top, folder)
    mkdirSync(bin)
    writeFileSync(path.join(bin, 'says'), `#!/bin/sh\necho ${says}\n`)
    chmodSync(path.join(bin, 'says'), 0o755)
    return bin
  }

  test('the runtime of this program is found by its name', async () => {
    const version = process.versions['bun'] ?? process.version
    const { stdout } = await build({ toolchain: ['host', 'node'] }, [path.basename(process.execPath), '--version'])
    expect(stdout).toBe(version)
  })

  test('a folder beside the host’s, and one that lies in it already', async () => {
    const bin = program('tools', 'tools')
    const { stdout } = await build({ toolchain: ['host', '/usr/lib', bin], path: [bin] }, ['says'])
    expect(stdout).toBe('tools')
  })

  test('what is optional is shown where it is there, and else is not', async () => {
    const bin = program('optional', 'optional')
    const toolchain = ['host', { path: bin, optional: true }, { path: `${bin}/absent`, optional: true }]
    expect(planOf({ toolchain }).leftOut).toEqual([{ entry: 'toolchain[2]', path: `${bin}/absent` }])
    expect((await build({ toolchain, path: [bin] }, ['says'])).stdout).toBe('optional')
  })

  test('of two programs of one name, that of the path which comes first', async () => {
    const [first, second] = [program('first', 'first'), program('second', 'second')]
    expect((await build({ inputs: { first, second }, path: ['/inputs/second', '/inputs/first'] }, ['says'])).stdout).toBe('second')
  })

  test('a variable of this program is there where it is passed by name, and no other', async () => {
    vi.stubEnv('BUILDJAIL_PASSED', 'passed')
    vi.stubEnv('BUILDJAIL_NOT_PASSED', 'leaked')
    const script = 'echo $BUILDJAIL_PASSED $BUILDJAIL_NOT_PASSED $CC'
    const { stdout } = await build({ env: { pass: ['BUILDJAIL_PASSED', 'BUILDJAIL_ABSENT'], set: { CC: 'cc' } } }, ['sh', '-c', script])
    vi.unstubAllEnvs()
    expect(stdout).toBe('passed cc')
  })
})
