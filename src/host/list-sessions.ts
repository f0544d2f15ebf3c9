import { listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { typed } from '../errors.ts'
import { stateDirectoryIn, type HostOptions } from './host-options.ts'

/** A session of this host, as its entry in the state directory describes it. */
export interface ListedSession {
  readonly id: string
  /** The name in its spec. */
  readonly name?: string
  /** The process that opened it. */
  readonly pid: number
  readonly startedAt: Date
  /** `orphaned`: that process is dead, and `recover` removes what is left, or is doing so. */
  readonly state: 'live' | 'orphaned'
  /** FreeBSD: the directory on which its root is mounted. */
  readonly root?: string
  /** FreeBSD: the id of its jail, if there is one. */
  readonly jid?: number
}

/**
 * Lists the sessions that share a state directory, by id.
 * @throws SystemCallError if the directory is not the caller's own and private, SpecError naming a wrong option, UnsupportedError.
 */
export async function listSessions(options: HostOptions = {}): Promise<ListedSession[]> {
  try {
    listenOnce()
    const listed = await binding().listSessions(stateDirectoryIn(options))
    return listed.map(({ startedMs, isLive, ...rest }) => ({
      ...rest,
      startedAt: new Date(startedMs),
      state: isLive ? 'live' : 'orphaned',
    }))
  } catch (error) {
    throw typed(error)
  }
}
