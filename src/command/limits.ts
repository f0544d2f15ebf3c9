import { fstatSync } from 'node:fs'

import { LimitUnsupportedError, SpecError } from '../errors.ts'
import type { CommandLimits, WireStdio } from '../native/wire-job.ts'
import { bare } from '../spec/bare.ts'
import { invalid as invalidSpec, readRecord } from '../spec/check.ts'
import { readLimit, type Duration, type Size } from '../spec/fields/limits.ts'
import type { PlanLimits } from '../spec/plan.ts'
import { inOneLine } from '../spec/readable.ts'
import { invalid, type OptionCheck } from './options.ts'

/** How much one command may take. Of each of these the smaller holds, where the session has a limit as well. */
export interface RunLimits {
  /**
   * Processor time of each of its processes, counted in whole seconds (RLIMIT_CPU). A process gets SIGXCPU then, and
   * SIGKILL a second later.
   */
  readonly cpuTime?: Duration
  /** Open at a time, of each of its processes (RLIMIT_NOFILE). */
  readonly openFiles?: number
  /** Of a file that one of its processes writes (RLIMIT_FSIZE), which gets SIGXFSZ then. */
  readonly fileSize?: Size
  /** Of its stdout and stderr together. It is killed with all that it started when it writes more. */
  readonly output?: Size
}

/** Limits of a command as they were read: bytes, and milliseconds. */
export type CheckedRunLimits = { readonly [Name in keyof RunLimits]?: number }

const names = ['cpuTime', 'openFiles', 'fileSize', 'output'] as const satisfies readonly (keyof RunLimits)[]

export const checkLimits: OptionCheck = (value, entry): CheckedRunLimits => {
  const limits: Record<string, number> = Object.create(null) as Record<string, number>
  try {
    for (const [key, given] of Object.entries(readRecord(value, entry))) {
      const name = names.find((known) => known === key)
      if (name === undefined) throw invalidSpec(`${entry}.${key}`, `is not a limit of a command; there are ${names.join(', ')}`)
      if (given !== undefined) limits[name] = readLimit(name, given, `${entry}.${name}`)
    }
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    throw invalid(error.entry, error.message.slice(inOneLine(`${error.entry}: `).length))
  }
  return Object.freeze(limits)
}

/** Of commands that have no limits of their own: of one session all have the same, so that they are packed once (wire-job.ts). */
const ofSessions = new WeakMap<PlanLimits, CommandLimits>()
const none: CommandLimits = bare({})

/** What holds for a command; undefined where nothing does. */
export function limitsFor(session: PlanLimits, own: CheckedRunLimits | undefined): CommandLimits | undefined {
  let limits = own === undefined ? ofSessions.get(session) : undefined
  if (limits === undefined) {
    limits = merged(session, own)
    if (own === undefined) ofSessions.set(session, limits)
  }
  return limits === none ? undefined : limits
}

// Nobody takes more processor time than all together may: what the kernel holds of that does not wait for our event loop.
function merged(session: PlanLimits, own: CheckedRunLimits = none): CommandLimits {
  const limits: { -readonly [Name in keyof CommandLimits]?: number } = {}
  for (const name of names) {
    const most = Math.min(session[name] ?? Infinity, own[name] ?? Infinity)
    if (most !== Infinity) limits[name] = name === 'cpuTime' ? Math.ceil(most / 1000) : most
  }
  return Object.keys(limits).length === 0 ? none : bare(limits)
}

/** Whether a standard descriptor of this program is handed to a command as it is (target.ts), so that nobody here sees what goes through it. */
export function isHandedOn({ kind }: WireStdio, number: 1 | 2): boolean {
  if (kind !== 'inherit') return false
  try {
    const stats = fstatSync(number)
    return stats.isFIFO() || stats.isSocket()
  } catch {
    return false
  }
}

/** @throws LimitUnsupportedError where not all of a command's output comes by here */
export function refuseUncounted(limits: CommandLimits | undefined, { policy }: PlanLimits, stdio: readonly WireStdio[]): void {
  if (limits?.output === undefined || policy === 'best-effort') return
  for (const number of [1, 2] as const) {
    const target = stdio[number]
    if (target === undefined || !isHandedOn(target, number)) continue
    throw new LimitUnsupportedError('output', `what is written to the ${number === 1 ? 'stdout' : 'stderr'} of this program, which the command inherits, cannot be counted`, {
      step: 'launch',
      remedy: "use 'pipe' or { file }",
    })
  }
}
