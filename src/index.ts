export { build, BuildTeardownError } from './build.ts'
export { BuildProcess, type BuildProcessEvents, type Usage } from './build-process.ts'
export { commandLine, type Command } from './command.ts'
export {
  BuildjailError,
  isBuildjailError,
  SpecError,
  SystemCallError,
  TeardownError,
  type Holder,
  type HolderKind,
  type OwnErrorCode,
} from './errors.ts'
export { planOf, type Link, type Mount, type Plan, type PlanOptions } from './plan.ts'
export { preflight, type Obstacle, type Preflight } from './preflight.ts'
export { recover, type LeftAlone, type RecoveredSession, type RecoverOptions, type RecoveryReport } from './recover.ts'
export type { Input } from './input.ts'
export { CommandError, type Result } from './run.ts'
export type { RunOptions } from './run-options.ts'
export { openSession, Session, type SessionRecord, type SpawnOptions, type TraceEntry } from './session.ts'
export { listSessions, type ListedSession } from './sessions.ts'
export { PoolTeardownError, SessionPool, type SessionPoolOptions } from './session-pool.ts'
export type { Additions, Network, Spec, User } from './spec.ts'
export type { StdioTarget } from './stdio.ts'
