import { JAIL_DYING, jailGetSync, jailRemoveSync } from 'buildjail/freebsd'

import type { Context, RawParameters } from '../context.ts'

/** A jail that was removed and cannot end. */
export interface Dying {
  readonly jid: number
  /** Lets it end. */
  readonly release: () => Promise<unknown>
}

/**
 * A jail of the case's name that was removed and cannot end: a process of it is dead, and its parent, which is outside, does not wait for it. Until
 * `release`, or the end of the case.
 */
export async function keepDying(on: Context, parameters: RawParameters = {}): Promise<Dying> {
  const jid = on.set(parameters)
  const release = await keepProcess(on, jid)
  jailRemoveSync(jid)
  const isDying = await on.until(() => isKnownAs(jid) && jailGetSync({ jid }, ['dying'], JAIL_DYING)['dying'] === true)
  if (!isDying) throw new Error('the jail did not stay dying')
  return { jid, release }
}

/** A process in a jail whose parent, outside, never waits for it. */
export async function keepProcess(on: Context, jid: number): Promise<() => Promise<unknown>> {
  const parent = await on.startOutside(['/bin/sh', '-c', `jexec ${jid} sleep 1000 & exec sleep 1000`])
  const hasProcess = await on.until(async () => (await on.outside(`pgrep -j ${jid} -x sleep; true`)) !== '')
  if (!hasProcess) throw new Error('no process came into the jail')
  return () => {
    parent.kill('SIGKILL')
    return parent.ended
  }
}

/** Whether there is a jail of that number, a dying one as well. */
export function isKnownAs(jid: number): boolean {
  try {
    jailGetSync({ jid }, ['jid'], JAIL_DYING)
    return true
  } catch {
    return false
  }
}
