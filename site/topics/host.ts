/**
 * Whether sessions are to be had, which there are, and what dead processes left.
 * @module The host
 */
export { listSessions, preflight, recover } from '../../src/index.ts'
export type { HostOptions, LeftAlone, ListedSession, Obstacle, Preflight, RecoveredSession, RecoveryReport } from '../../src/index.ts'
