import { native } from './native.ts'
import { now, promised, step, type Steps } from './steps.ts'

/**
 * cpuset_getaffinity(2), CPU_LEVEL_WHICH and CPU_WHICH_JAIL: the numbers of the processors that a jail may use.
 * @throws SystemCallError `ESRCH` where there is no such jail; the host is not a jail
 */
export function cpusetOfJail(jid: number): Promise<number[]> {
  return promised(looking(jid))
}

/** `cpusetOfJail` on the spot. */
export function cpusetOfJailSync(jid: number): number[] {
  return now(looking(jid))
}

/**
 * cpuset_setaffinity(2) of the same level: sets them, also for processes that are in the jail already.
 * @param processors numbers from 0
 * @throws SystemCallError `EDEADLK` for an empty list, `EINVAL` for a processor that the jail above does not have, `ESRCH` where there is no such jail
 */
export function setCpusetOfJail(jid: number, processors: readonly number[]): Promise<void> {
  return promised(setting(jid, processors))
}

/** `setCpusetOfJail` on the spot. */
export function setCpusetOfJailSync(jid: number, processors: readonly number[]): void {
  now(setting(jid, processors))
}

function* looking(jid: number): Steps<number[]> {
  const freebsd = native('cpusetOfJail')
  return yield* step((isNow) => freebsd.processorsOfJail(jid, isNow))
}

function* setting(jid: number, processors: readonly number[]): Steps<void> {
  const freebsd = native('setCpusetOfJail')
  yield* step((isNow) => freebsd.setProcessorsOfJail(jid, processors, isNow))
}
