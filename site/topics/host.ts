/**
 * Whether this host can open sessions, which sessions it has, and what dead processes left.
 * @module The host
 */
export { listSessions, preflight, recover } from '../../src/index.ts'
export type { HostOptions, LeftAlone, ListedSession, Obstacle, Preflight, RecoveredSession, RecoveryReport } from '../../src/index.ts'
