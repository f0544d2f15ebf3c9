import { isNativeFailure, typed, type Advice, type NativeFailure } from '../errors.ts'
import { binding } from './load.ts'

/** Errors of a kernel whose host is not set up for sessions. */
const ofTheHost: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'ENOSPC', 'ENOSYS', 'ENODEV', 'EUSERS'])

/** Steps in which a session is refused for what another live one has, as its `detail` says. */
const ofOthers: ReadonlySet<string> = new Set(['output-lease', 'nested-sources'])
const besideOthers: Advice = {
  remedy: 'use one session with all of the outputs, or name only folders that no other session writes to, or let this one wait for the other (wait)',
}

/** The typed error of a job that failed, with what to do where that is known: doctor's remedy, say, where it is the host that cannot open sessions. */
export function jobError(failure: unknown): unknown {
  return isNativeFailure(failure) ? typed(failure, adviceFor(failure)) : failure
}

function adviceFor({ code, step }: NativeFailure): Advice | undefined {
  if (code === 'EBUSY' && ofOthers.has(step)) return besideOthers
  if (!ofTheHost.has(code)) return undefined
  const { obstacles, limitations } = binding().preflight()
  return obstacles[0] ?? (step === 'network' ? limitations.find(({ check }) => check === 'network') : undefined)
}
