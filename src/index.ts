export { build, BuildTeardownError } from './session/build.ts'
export { BuildProcess, type BuildProcessEvents, type Usage } from './command/build-process.ts'
export { commandLine, type Command } from './command/command.ts'
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
export { planOf, type Link, type Mount, type Plan, type PlanOptions } from './spec/plan.ts'
export { preflight, type Obstacle, type Preflight } from './host/preflight.ts'
export type { HostOptions } from './host/host-options.ts'
export { recover, type LeftAlone, type RecoveredSession, type RecoveryReport } from './host/recover.ts'
export type { Input } from './command/input.ts'
export { CommandError, type Result } from './command/run.ts'
export type { RunOptions } from './command/run-options.ts'
export { openSession, Session, type SessionRecord, type SpawnOptions, type TraceEntry } from './session/session.ts'
export { listSessions, type ListedSession } from './host/list-sessions.ts'
export { PoolTeardownError, SessionPool, type SessionPoolOptions } from './session/pool.ts'
export type { Additions, Network, Spec, User } from './spec/spec.ts'
export type { StdioTarget } from './command/stdio.ts'
