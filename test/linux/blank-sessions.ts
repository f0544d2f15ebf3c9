import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'

import { build } from '../../src/index.ts'

/** As many as native/linux/blanks makes. */
export const mostBlanks = 4

/** Sessions that a program has begun ahead, by the pids of their inits. */
export function blanksOf(pid: number): number[] {
  const ofProgram = readdirSync('/proc').filter((name) => {
    try {
      const [, comm, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? []
      return comm === 'buildjail-blank' && Number(parent) === pid
    } catch {
      return false
    }
  })
  return ofProgram.map(Number)
}

/** From the second session on there are some. */
export async function blanksReady(): Promise<number[]> {
  for (let i = 0; i < 2; i += 1) await build({}, ['true'])
  await expect.poll(() => blanksOf(process.pid).length, { timeout: 10_000 }).toBe(mostBlanks)
  return blanksOf(process.pid)
}
