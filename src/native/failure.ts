import { isNativeFailure, typed } from '../errors.ts'
import { binding } from './load.ts'

/** Errors of a kernel whose host is not set up for sessions. */
const ofTheHost: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'ENOSPC', 'ENOSYS', 'ENODEV', 'EUSERS'])

/** The typed error of a job that failed, with doctor's remedy where it is the host that cannot open sessions, or none with such a network. */
export function jobError(failure: unknown): unknown {
  if (!isNativeFailure(failure) || !ofTheHost.has(failure.code)) return typed(failure)
  const { obstacles, limitations } = binding().preflight()
  return typed(failure, obstacles[0] ?? (failure.step === 'network' ? limitations.find(({ check }) => check === 'network') : undefined))
}
