export { build } from './session/build.ts'
export { openSession, Session } from './session/session.ts'
export { SessionPool, type SessionPoolOptions } from './session/pool.ts'
export type { CredentialsRecord, MountRecord, SessionRecord, TraceEntry } from './session/record.ts'
export { BuildTeardownError, PoolTeardownError } from './session/teardown.ts'
export { BuildProcess, type BuildProcessEvents } from './command/build-process.ts'
export { commandLine, type Command } from './command/command.ts'
export { CommandError, CommandFailedError, InputFailedError, MaxBufferError, OutputFailedError } from './command/command-error.ts'
export type { Input } from './command/input.ts'
export type { AnyOutput, OutputOf, Result, Usage } from './command/result.ts'
export type { EndingOptions, RunOptions } from './command/run-options.ts'
export { Running } from './command/running.ts'
export type { Signal } from './command/signal.ts'
export type { SpawnOptions } from './command/spawn-options.ts'
export type { OutputTarget, StdioTarget } from './command/target.ts'
export {
  BindingNotFoundError,
  BuildjailError,
  InvalidCommandError,
  isBuildjailError,
  SessionClosedError,
  SpecError,
  SystemCallError,
  TeardownError,
  UnsupportedPlatformError,
  type Holder,
  type HolderKind,
  type OwnErrorCode,
  type SpecErrorCode,
} from './errors.ts'
export {
  InvalidNameError,
  InvalidSpecError,
  RootNotNamedError,
  SourceInStateDirectoryError,
  SourceIsRootError,
  SourceMissingError,
  SourceUnfitError,
  SourceWritableTwiceError,
  TargetBelowBindError,
  TargetDuplicateError,
  TargetNotAbsoluteError,
  TargetNotNormalError,
} from './spec-errors.ts'
export { planOf, type Link, type Mount, type Plan, type PlanOptions } from './spec/plan.ts'
export type { Additions, Network, Spec, User } from './spec/spec.ts'
export { preflight, type Obstacle, type Preflight } from './host/preflight.ts'
export type { HostOptions } from './host/host-options.ts'
export { recover, type LeftAlone, type RecoveredSession, type RecoveryReport } from './host/recover.ts'
export { listSessions, type ListedSession } from './host/list-sessions.ts'
