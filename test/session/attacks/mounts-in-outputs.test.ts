import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, SessionPool, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { rejected } from '../rejected.ts'
import { armed, describeAttack, isRoot, refusalOf } from './attack.ts'
import { mountedAt, shownAt } from './host-mounts.ts'

/** Which of its two names the number has is the system's. */
const unsupported = expect.stringMatching(/^E(NOTSUP|OPNOTSUPP)$/) as string

describeAttack('what the host has mounted in an output', () => {
  const folders = useFolders()
  const refusal = (at: string): object => ({ code: unsupported, step: 'nested-sources', path: folders.output, dest: at })

  // promise: 15
  test.runIf(isRoot).each([['an output', 'output'], ['a store', 'stores']])('is not taken away by a build: such %s is refused', async (_kind, entry) => {
    const at = path.join(folders.output, 'deep/data')
    using mounted = mountedAt(at)
    const spec: Spec = entry === 'output' ? { output: folders.output } : { stores: { '/kept': folders.output } }
    expect(await refusalOf(spec)).toMatchObject(refusal(at))
    expect(await rejected(build(spec, ['rm', '-rf', '/output/deep']))).toMatchObject(refusal(at))
    expect(existsSync(mounted.file)).toBe(true)
  })

  // promise: 15
  test.runIf(isRoot)('is not taken away by a build in a session of a pool', async () => {
    const at = path.join(folders.output, 'data')
    await using pool = await SessionPool.open(armed({}), { size: 1 })
    using mounted = mountedAt(at)
    for (const additions of [{ output: folders.output }, { stores: { '/kept': folders.output } }]) {
      expect(await rejected(pool.acquire(additions))).toMatchObject(refusal(at))
      expect(await rejected(pool.run(additions, ['true']))).toMatchObject(refusal(at))
    }
    expect(existsSync(mounted.file)).toBe(true)
  })

  // promise: 15
  test.runIf(isRoot)('is seen where it was mounted at another place of the same folder', async () => {
    const other = path.join(folders.top, 'other')
    using shown = shownAt(folders.output, other)
    const at = path.join(shown.at, 'data')
    using mounted = mountedAt(at)
    expect(await refusalOf({ output: folders.output })).toMatchObject(refusal(at))
    expect(await rejected(openSession({ output: other }))).toMatchObject({ code: unsupported, path: other, dest: at })
    expect(existsSync(mounted.file)).toBe(true)
  })

  // promise: 15
  test.runIf(isRoot)('may be a file, which a build would remove as well', async () => {
    const at = path.join(folders.output, 'a file')
    using shown = shownAt(path.join(folders.input, 'given.txt'), at, true)
    expect(await refusalOf({ output: folders.output })).toMatchObject(refusal(shown.at))
  })

  test.runIf(isRoot)('is no matter beside it, above it, or where it is what the output is', async () => {
    const output = path.join(folders.output, 'data')
    using mounted = mountedAt(output)
    using beside = mountedAt(path.join(folders.output, 'data-beside'))
    const { exitCode } = await build({ output }, ['rm', '/output/of-the-host'])
    expect([exitCode, existsSync(mounted.file), existsSync(beside.file)]).toEqual([0, false, true])
  })

  test.runIf(isRoot)('can be declared and not be written to, as an input', async () => {
    using mounted = mountedAt(path.join(folders.output, 'data'))
    const { stdout } = await build({ inputs: { all: folders.output } }, ['sh', '-c', 'rmdir /inputs/all/data || ls /inputs/all'])
    expect([stdout, existsSync(mounted.file)]).toEqual(['data', true])
  })
})
