import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe } from 'vitest'

import { describeSession } from '../session/kernel.ts'

export const isRoot: boolean = process.geteuid?.() === 0

if (process.platform !== 'linux') console.warn('skipped: what only Linux has')

/** What only Linux has: skipped elsewhere, and where no session can be opened. */
export const describeLinux: typeof describe.skip = process.platform === 'linux' ? describeSession : describe.skip

/** Whether this process has it, by its number (capabilities(7)). */
export function hasCapability(number: number): boolean {
  if (process.platform !== 'linux') return false
  const effective = /CapEff:\t([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${effective}`) >> BigInt(number)) % 2n === 1n
}

/** Living processes of the host that are in the namespace of that kind and number. */
export function processesIn(kind: string, namespace: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => namespaceOf(pid, kind) === namespace && isAlive(pid)).map(Number)
}

/**
 * What is dead may stay listed until its parent has asked how it ended, and after its host program that is the machine's own
 * init, which may take its time. It has no program any more, nor any namespace but that of its number.
 */
function isAlive(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== ''
  } catch {
    return false
  }
}

export function namespaceOf(pid: string, kind: string): number | undefined {
  try {
    return Number(/\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[1])
  } catch {
    // It is over, or somebody else's.
    return undefined
  }
}
