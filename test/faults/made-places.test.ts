import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

import { openSession, recover, type Spec } from '../../src/index.ts'
import { isRunning, watchersOf } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession, isFreebsd } from '../session/kernel.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'

const program = fileURLToPath(new URL('watcherless.mjs', import.meta.url))

interface Place {
  readonly spec: Spec
  /** What is made in it before anything is mounted there, and is to be gone. */
  readonly points: readonly string[]
  /** What is made and stays, as it is the caller's. */
  readonly stays?: string
}

describeSession('when the host program is killed between making a place to mount at and mounting there', () => {
  const folders = useFolders()
  const played: string[] = []
  afterAll(() => console.log(`killed between making and mounting: ${played.join(', ')}`))

  const file = (): string => path.join(folders.input, 'given.txt')
  const places: Readonly<Record<string, () => Place>> = {
    'an output': () => ({
      spec: { outputs: { '/w': folders.output }, inputs: { '/w/deep/er/input': folders.input, '/w/file': file() } },
      points: ['deep', 'deep/er', 'deep/er/input', 'file'],
    }),
    'a store': () => ({
      spec: { stores: { '/gnu/store': folders.output }, inputs: { '/gnu/store/abc-foo': folders.input, '/gnu/store/def-bar.txt': file() } },
      points: ['abc-foo', 'def-bar.txt'],
    }),
    'an output that is missing': () => ({
      spec: { output: folders.output, outputs: { '/w': path.join(folders.top, 'missing/out') }, inputs: { '/w/input': folders.input } },
      points: [],
      stays: path.join(folders.top, 'missing/out'),
    }),
  }

  test.each(Object.keys(places))('a recovery takes it away, and nothing else: %s', async (which) => {
    const { spec, points, stays } = (places[which] as () => Place)()
    mkdirSync(path.join(folders.output, 'old'))
    writeFileSync(path.join(folders.output, 'old/file'), 'old\n')
    await (await openSession(spec)).close()
    const before = { around: await lookWhenSettled(folders.output), tree: tree(folders.output) }
    const { told } = await killedAt(spec)
    const calls = JSON.parse(told) as string[]
    const [from, to] = [calls.findIndex((call) => call === 'mkdirat'), calls.lastIndexOf(isFreebsd ? 'nmount' : 'move_mount')]
    expect(from).toBeGreaterThan(0)
    expect(to).toBeGreaterThan(from)
    const problems: string[] = []
    const seen = new Set<string>()
    const nths = numbers(from, to, calls)
    for (const nth of nths) {
      const { signal } = await killedAt(spec, nth)
      const wrong = signal === 'SIGKILL' ? [] : [`it was not killed, but ended by ${signal}`]
      for (const point of points) if (existsSync(path.join(folders.output, point))) seen.add(point)
      const { leftAlone } = await recover()
      wrong.push(...leftAlone.map(({ path: left, reason }) => `${left} was left alone: ${reason}`))
      wrong.push(...(await leftBehind(before.around, folders.output)))
      const now = tree(folders.output)
      if (now !== before.tree) wrong.push(`the folder has ${now}, and had ${before.tree}`)
      if (stays !== undefined && readdirSync(stays).length > 0) wrong.push(`${stays} is not empty`)
      await (await openSession(spec)).close()
      problems.push(...wrong.map((problem) => `call ${nth}, ${calls[nth - 1]}: ${problem}`))
    }
    played.push(`${nths.length} at ${which}`)
    expect(problems).toEqual([])
    // Each of them was there, once at least, when the program was dead.
    expect([...seen].sort()).toEqual([...points].sort())
  })
})

/** All calls up to the first that begins a jail or a child; then some of the rest, as it is all the same to the host what is mounted already. */
function numbers(from: number, to: number, calls: readonly string[]): number[] {
  const begun = calls.findIndex((call, index) => index > from && call === (isFreebsd ? 'nmount' : 'clone'))
  const strides = [isFreebsd ? 4 : 1, isFreebsd ? 60 : 25] as const
  const all: number[] = []
  for (let nth = from + 1; nth <= to + 1; nth += nth <= begun + 1 ? strides[0] : strides[1]) all.push(nth)
  return all
}

/** The opening of it ends the program, at that call; who would clean up is stopped before, and dead afterwards. */
async function killedAt(spec: Spec, nth?: number): Promise<{ told: string; signal: string }> {
  const child = spawn(process.execPath, [program, JSON.stringify(spec), ...(nth === undefined ? [] : [String(nth)])], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  // It may be a moment until it is known by its name.
  await expect.poll(() => watchersOf(child.pid ?? 0), { timeout: 20_000 }).toHaveLength(1)
  const watchers = watchersOf(child.pid ?? 0)
  for (const watcher of watchers) process.kill(watcher, 'SIGSTOP')
  child.stdin.on('error', () => {}).write('go\n')
  const { value: told = '' } = (await lines.next()) as { value?: string }
  const [code, signal] = await ended
  for (const watcher of watchers) process.kill(watcher, 'SIGKILL')
  for (const watcher of watchers) await expect.poll(() => isRunning(watcher), { timeout: 20_000 }).toBe(false)
  return { told, signal: signal ?? `exit code ${code}` }
}

/** What is in a folder, and whose. */
function tree(folder: string): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return names
    .map((name) => {
      const { uid, gid, mode } = lstatSync(path.join(folder, name))
      return `${name} ${uid}:${gid} ${(mode & 0o7777).toString(8)}`
    })
    .join(', ')
}
