import { constants } from 'node:os'

import type { Result } from '../command/result.ts'
import { isBuildjailError } from '../errors.ts'
import { limitTable } from '../spec/fields/limits.ts'

/** Exit statuses of buildjail itself. `run` uses those of env(1), timeout(1) and the shells. */
export const exitStatus = {
  success: 0,
  /** Of doctor: no session can be opened on this host. */
  noSession: 1,
  /** Of gc: something was left alone. */
  leftAlone: 1,
  /** Of run --verify: the builds; of trace diff: the two runs. */
  differs: 1,
  timedOut: 124,
  /** The command line was wrong, the session could not be opened, or the command succeeded and something failed afterwards. */
  ownFailure: 125,
  /** The program exists but cannot be executed. */
  notExecutable: 126,
  notFound: 127,
} as const

/** For a process that a signal ended, as in sh(1). A signal without a name, such as the real-time ones of signal(7), is called by its number: SIG40. */
export function statusOfSignal(signal: string): number {
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals
  return 128 + (numbers[signal] ?? (Number(signal.slice(3)) || 0))
}

export function statusOf(result: Result): number {
  if (result.timedOut || (result.limit !== undefined && limitTable[result.limit].isOurs === true)) return exitStatus.timedOut
  if (result.signal !== undefined) return statusOfSignal(result.signal)
  return result.exitCode ?? exitStatus.ownFailure
}

/** For a command that never ran. */
export function statusOfRefusal(error: unknown): number {
  if (!isBuildjailError(error) || error.step !== 'execve') return exitStatus.ownFailure
  return error.code === 'ENOENT' ? exitStatus.notFound : exitStatus.notExecutable
}
