import { constants } from 'node:os'

import type { Result } from '../command/result.ts'

/** Exit statuses that are not a command's own; of those of `run`, env(1), timeout(1) and the shells have the same. */
export const exitStatus = {
  success: 0,
  /** Doctor's: no session can be opened here. */
  noSession: 1,
  /** That of gc: something was left alone. */
  leftAlone: 1,
  timedOut: 124,
  /** The envelope failed, or what was asked for was refused: the command never ran. */
  neverRan: 125,
} as const

/** A process ended by a signal, as sh(1) tells it. */
export function statusOfSignal(signal: string): number {
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals
  return 128 + (numbers[signal] ?? 0)
}

export function statusOf(result: Result | undefined): number {
  if (result === undefined) return exitStatus.neverRan
  if (result.timedOut) return exitStatus.timedOut
  if (result.signal !== undefined) return statusOfSignal(result.signal)
  return result.exitCode ?? exitStatus.neverRan
}
