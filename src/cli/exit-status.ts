import { constants } from 'node:os'

import type { Result } from '../command/result.ts'

/** Exit statuses that are not a command's own. Those of `run` are the ones of env(1), timeout(1) and the shells. */
export const exitStatus = {
  success: 0,
  /** Of doctor: no session can be opened on this host. */
  noSession: 1,
  /** Of gc: something was left alone. */
  leftAlone: 1,
  timedOut: 124,
  /** The session could not be opened, or the command line was refused: the command never ran. */
  neverRan: 125,
} as const

/** For a process that a signal ended, as sh(1) has it. */
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
