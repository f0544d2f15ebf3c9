import { BuildjailError } from '../errors.ts'

/**
 * `maxSessions` are in use, and as many as `queue` says wait. Nothing was opened.
 * @remedy Ask again later, or raise one of the two.
 * @category session
 */
export class QueueFullError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_QUEUE_FULL'

  constructor(inUse: number, waiting: number) {
    const callers = waiting === 0 ? 'nobody may wait' : `${waiting} wait already`
    super('ERR_BUILDJAIL_QUEUE_FULL', `no session may be opened beside the ${inUse} in use, and ${callers}`, { step: 'open' })
  }
}

/**
 * `maxSessions` were in use for as long as the `wait` of the spec. Nothing was opened.
 * @remedy Raise `wait` or `maxSessions`; without `wait` it waits as long as it takes.
 * @category session
 */
export class QueueTimeoutError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_QUEUE_TIMEOUT'

  constructor(wait: number, inUse: number) {
    super('ERR_BUILDJAIL_QUEUE_TIMEOUT', `waited ${wait} ms for one of the ${inUse} sessions in use to end`, { step: 'open' })
  }
}
