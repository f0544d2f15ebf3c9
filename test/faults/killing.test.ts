import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

import { openSession, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession, isFreebsd } from '../session/kernel.ts'
import { plainAndLimited } from './full.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { programStride } from './stride.ts'

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))
const second = 1000

describeSession('when the host program is killed at a system call', () => {
  const folders = useFolders()
  const cases: string[] = []
  afterAll(() => console.log(`killed: ${cases.join(', ')}`))

  const parts = ['open', 'launch', 'close'] as const
  const rows = plainAndLimited.flatMap(([how, more]) => parts.map((part) => [part, how, more] as const))
  test.each(rows)('of %s, nothing is left in two seconds, and the next session has its output (%s)', async (part, how, moreIn) => {
    const more = moreIn(folders.top)
    const spec: Spec = { ...more, inputs: { ...more.inputs, src: folders.input }, output: folders.output }
    // What this process has for its sessions it has from the first on.
    await nextSession(spec)
    const before = await lookWhenSettled(folders.output)
    const { stdout } = await runController(spec, part)
    const calls = JSON.parse(stdout) as string[]
    const problems: string[] = []
    let played = 0
    for (let nth = 1; nth <= calls.length; nth += programStride) {
      const wrong: string[] = []
      const { signal, stdout: made } = await runController(spec, part, nth)
      // What is listed, and how often closing looks whether the last process is gone, is the machine's affair, and a thread may close
      // what it has after the result was told: it may have made fewer calls this time.
      if (signal === 'exit code 0' && (JSON.parse(made) as string[]).length < nth) continue
      if (signal !== 'SIGKILL') wrong.push(`it was not killed, but ended by ${signal}`)
      wrong.push(...(await livingOn(folders.output)))
      // By itself, without recover() and before the next session.
      wrong.push(...(await leftBehind(before, folders.output, 2 * second)))
      wrong.push(...(await nextSession(spec)))
      wrong.push(...(await leftBehind(before, folders.output)))
      problems.push(...wrong.map((problem) => `${part}, call ${nth}, ${calls[nth - 1]}: ${problem}`))
      played += 1
    }
    cases.push(`${played} at ${part} ${how}`)
    expect(problems).toEqual([])
    expect(played).toBeGreaterThan(calls.length / programStride / 4)
  })
})

async function runController(spec: Spec, part: string, nth?: number): Promise<{ stdout: string; signal: string | null }> {
  const args = [controller, JSON.stringify(spec), part, ...(nth === undefined ? [] : [String(nth)])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  const stdout = await text(child.stdout)
  const [code, signal] = await ended
  return { stdout, signal: signal ?? `exit code ${code}` }
}

async function nextSession(spec: Spec): Promise<string[]> {
  try {
    const session = await openSession(spec)
    await session.run(['/bin/sh', '-c', ': > /output/next'])
    await session.close()
    return []
  } catch (error) {
    return [`the next session: ${String(error)}`]
  }
}

/** On Linux: processes of it, or of its session, that are there a second later. On FreeBSD jails tell. */
async function livingOn(output: string): Promise<string[]> {
  if (isFreebsd) return []
  const began = performance.now()
  while (processesWith(output).length > 0 && performance.now() - began < second) await sleep(2)
  return processesWith(output).map((pid) => `process ${pid} lives on`)
}

/** The host program has the output as an argument, and so has what shares its memory; what runs inside has it mounted. */
function processesWith(output: string): string[] {
  const tells = (pid: string, file: string): boolean => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(output)
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && (tells(pid, 'cmdline') || tells(pid, 'mountinfo'))
    } catch {
      // It is over.
      return false
    }
  })
}
