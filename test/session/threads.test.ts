import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

import { mostBlanks } from '../../scripts/soak/open-descriptors.mjs'
import { useFolders } from './folders.ts'
import { hostState, type HostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { copyOfPackage } from './package-copy.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const entry = pathToFileURL(path.join(root, 'dist', 'index.js')).href
const rounds = 12
const isBun = process.versions['bun'] !== undefined
/** Of a program with threads; on an emulated processor they take so long to begin. */
const longest = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 100_000 : 400_000
const settling = { timeout: 20_000 } as const

function run(program: string, args: readonly string[]): { status: number | null; signal: string | null; said: unknown; stderr: string } {
  const file = fileURLToPath(new URL(`programs/${program}`, import.meta.url))
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', timeout: longest })
  return { status, signal, said: stdout === '' ? undefined : JSON.parse(stdout), stderr }
}

async function withoutDescriptors(): Promise<HostState> {
  return { ...(await hostState()), descriptors: [] }
}

describeSession('worker threads that have sessions', () => {
  test.each(['terminate()', 'process.exit()', 'an uncaught exception', 'nothing more to do'])(
    'leave nothing and harm nobody when they end by %s, many times at a random moment',
    { timeout: longest + 10_000 },
    async (ending) => {
      const before = await withoutDescriptors()
      const { status, signal, said, stderr } = run('threads.mjs', [entry, ending, String(rounds)])
      expect({ status, signal, stderr: said === undefined ? stderr : '' }).toEqual({ status: 0, signal: null, stderr: '' })
      expect(said).toMatchObject({ left: {}, hasBuilt: true })
      // A runtime keeps a few for itself, whatever threads there were; and Bun, of a thread that is terminated, what it was
      // about to write to (docs/design.md, "Bun").
      const { descriptors, blanks } = said as { descriptors: number; blanks: number }
      expect(descriptors).toBeLessThan(isBun ? rounds + 1 : rounds / 2)
      // The program's own (native/linux/blanks), and none of a thread's.
      expect(blanks).toBeLessThanOrEqual(mostBlanks)
      expect(await withoutDescriptors()).toEqual(before)
    },
  )

  test('leave nothing when the program ends by process.exit() meanwhile', { timeout: longest + 10_000 }, async () => {
    const before = await withoutDescriptors()
    for (let round = 0; round < 4; round++) {
      expect(run('threads.mjs', [entry, 'process.exit() of the program', '1'])).toMatchObject({ status: 6, signal: null })
      // Bun ends such threads without telling anybody (its process.exit()), which is as if they had been killed: there is the
      // watcher for that.
      await expect.poll(withoutDescriptors, settling).toEqual(before)
    }
  })
})

describeSession('two copies of the package in one program', () => {
  const folders = useFolders()

  test('have sessions at once, and either can go first', { timeout: longest + 10_000 }, async () => {
    const before = await withoutDescriptors()
    const entries = ['one', 'other'].map((name) => copyOfPackage(path.join(folders.top, name)))
    expect(run('copies.mjs', [...entries, folders.output])).toMatchObject({
      status: 5,
      signal: null,
      said: {
        atOnce: ['a', 'b'],
        sameOutput: 'EBUSY',
        errors: [true, false, true],
        afterOneClosed: ['b', null],
        afterThread: ['b', null],
      },
    })
    expect(await withoutDescriptors()).toEqual(before)
  })
})
