import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { openSession, type Kept, type LeftInOutput, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, attack, describeAttack, isRoot } from './attack.ts'

const weighing = fileURLToPath(new URL('weighed.mjs', import.meta.url))
const megabyte = 1024 * 1024
/** What a host program may grow by: what its walks keep at a time, and what the runtime takes meanwhile. */
const most = 32
/** An emulated processor makes fewer. */
const of = (count: number): number => (process.env['BUILDJAIL_IN_GUEST'] === undefined ? count : count / 10)

interface Weighed {
  readonly grown: number
  readonly ms: number
  readonly leftInOutputs: readonly LeftInOutput[]
  readonly kept?: Kept
}

/** In a program of its own, so that nothing else has taken memory before. */
async function weigh(spec: Spec, command: readonly string[]): Promise<Weighed> {
  const { stdout } = await promisify(execFile)(process.execPath, [weighing, JSON.stringify(spec), JSON.stringify(command)])
  const weighed = JSON.parse(stdout) as Weighed
  console.log(`${command.slice(-4).join(' ').replaceAll('\n', ' ')}: ${(weighed.grown / megabyte).toFixed(1)} MiB, ${weighed.ms} ms`)
  return weighed
}

describeAttack('the memory of a host program', { timeout: 300_000 }, () => {
  const folders = useFolders()
  // Node's own removal knows paths only.
  const removeTrees = (): unknown => execFileSync('rm', ['-rf', folders.output, path.join(folders.top, 'kept')])

  const trees: readonly (readonly [string, Spec, string, readonly string[]])[] = [
    ['5,000 folders, each in the one before', {}, 'deep', [String(of(5000))]],
    ['5,000 folders side by side', {}, 'wide', [String(of(5000))]],
    // Of root, whose files may be anybody's: a walk has to remember those of several names.
    ['5,000 files of two names, at the end of a path of 255,000 bytes', isRoot ? { user: 'root' } : {}, 'linked', [String(of(5000)), '1000']],
  ]

  // What lets a build leave set-id bits, so that there is a walk: an output on a mapped mount comes back without one.
  test.for(trees)('does not grow with what a build leaves in an output that is handed over: %s', async ([, spec, kind, words]) => {
    if (isRoot) chownSync(folders.output, 4001, 4002)
    const { grown, leftInOutputs } = await weigh(armed({ allow: ['set-id'], output: folders.output, ...spec }), attack('trees', kind, '/output', ...words))
    const ofOthers = isRoot ? execFileSync('find', [folders.output, '!', '-uid', '4001'], { encoding: 'utf8' }) : ''
    removeTrees()
    expect(ofOthers).toBe('')
    expect(leftInOutputs).toEqual([])
    expect(grown / megabyte).toBeLessThan(most)
  })

  test.for([
    ['5,000 folders, each in the one before', 1, 'deep', [String(of(5000))]],
    ['20,000 files of two names, at the end of a path of 3,000 bytes', 0, 'linked', [String(of(20_000)), '12']],
    ['20,000 fifos, at the end of a path of 3,000 bytes', 101, 'fifos', [String(of(20_000)), '12']],
  ] as const)('does not grow with what is kept: %s', async ([, left, kind, rest], context) => {
    if (isFreebsd && kind !== 'deep') return context.skip('PATH_MAX is 1,024 there: a folder so deep is left out whole')
    const keep = path.join(folders.top, 'kept')
    mkdirSync(keep)
    chmodSync(keep, 0o700)
    const [file, ...words] = attack('trees', kind, '/tmp', ...rest)
    const { grown, kept } = await weigh(armed({ keep }), ['sh', '-c', '"$@"; exit 7', 'sh', file, ...words])
    removeTrees()
    expect(kept?.error).toBe(undefined)
    expect(kept?.left).toHaveLength(left)
    if (left > 1) expect(kept?.left.at(-1)).toBe(`and ${of(20_000) - 100} more in tmp`)
    expect(grown / megabyte).toBeLessThan(most)
  })
})

describeAttack('the time of other sessions', { timeout: 300_000 }, () => {
  const folders = useFolders()

  test('does not go to sessions that are closed, however much is left in their outputs', async (context) => {
    if (isFreebsd) return context.skip('an emulated processor takes longer to open a session than to walk through what it could make in bearable time')
    // As many as are closed at a time (native/envelope/jobs).
    const closing = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const output = path.join(folders.top, `output${index}`)
        mkdirSync(output)
        const session = await openSession(armed({ output, allow: ['set-id'] }))
        await session.run(attack('trees', 'wide', '/output', String(of(2000))))
        return session
      }),
    )
    let over = 0
    const closed = Promise.all(closing.map(async (session) => session.close().then(() => (over += 1))))
    const other = await openSession({})
    await other.run(['true'])
    await other.close()
    expect(over).toBe(0)
    await closed
    execFileSync('rm', ['-rf', folders.top])
  })
})
