/// <reference types="node" preserve="true" />
export { build, BuildTeardownError } from './session/build.ts'
export { openSession, Session } from './session/session.ts'
export type { Changes } from './session/changes.ts'
export type { OpenOptions } from './session/opening.ts'
export { verify, type VerifyOptions } from './verify/verify.ts'
export type { Difference, NotVaried, Verification, VerifiedBuild } from './verify/verification.ts'
export type { Cause } from './verify/guess.ts'
export type { VariationName } from './verify/variation-names.ts'
export { setConcurrency, type Concurrency } from './session/session-queue.ts'
export { SessionPool, type SessionPoolOptions } from './session/pool.ts'
export type { CloseEvent, CommandEvent, ConnectionEvent, ConnectionOutcome, EndEvent, LimitEvent, RefusedEvent, StdioEvent, SessionEventName, SessionEvents, StepEvent } from './events/session-events.ts'
export type { Applied, Copied, SessionProcess, SessionUsage } from './native/record.ts'
export type { CredentialsRecord, IdRangeRecord, LeftAlone, LeftInOutput, LimitRecord, MountRecord, Obstacle, OutputRecord, RecoveredSession, RecoveryReport, SessionRecord, SessionStep } from './native/record.ts'
export type { Trace, TracedFile, TracedOutcome, TracedProcess, TracedProgram, TracedUse } from './native/trace.ts'
export type { RunRecord } from './recording/run-record.ts'
export { inputsDigest, type DigestOptions } from './recording/inputs-digest.ts'
export { filesOf, programsOf, type RecordedFiles, type RecordedPaths, type RecordedProgram, type RecordedUse } from './recording/seen-files.ts'
export { BuildProcess, type BuildProcessEvents } from './command/build-process.ts'
export { commandLine, type Command, type CommandVariables } from './command/command.ts'
export { CommandError } from './command/command-error.ts'
export type { Input } from './command/input.ts'
export type { AnyStdio, Kept, StdioOf, Result, Usage } from './command/result.ts'
export type { EndingOptions } from './command/ending.ts'
export type { RunOptions } from './command/run-options.ts'
export { Running } from './command/running.ts'
export type { Signal } from './command/options.ts'
export type { SpawnOptions } from './command/spawn-options.ts'
export type { StdioTargets, StdioTarget } from './command/target.ts'
export type { TerminalSize } from './command/terminal.ts'
export {
  BuildjailError,
  InvalidCommandError,
  isBuildjailError,
  QueueError,
  SessionClosedError,
  SpecError,
  SystemCallError,
  TeardownError,
  TraceError,
  UnsupportedError,
  type Holder,
  type HolderKind,
  type OwnErrorCode,
  type SpecErrorCode,
} from './errors.ts'
export { planOf, type Device, type LeftOut, type Link, type Mount, type Plan, type PlanLimits, type PlannedUser, type PlanOptions, type Warning } from './spec/plan.ts'
export type { Additions, Allowance, AllowedNetwork, Duration, Etc, IdRange, InputOptions, InputSource, LimitName, Limits, Network, Ownership, PassedVariables, ProcessLimits, RunLimits, Size, Source, SourceOptions, Spec, Toolchain, User, Variables } from './spec/spec.ts'
export { here, type HereOptions } from './here/here.ts'
export { hostsOf, type HostsOfOptions, type Preset } from './spec/presets/hosts-of.ts'
export { preflight, type Preflight } from './host/preflight.ts'
export type { Hint } from './command/hints.ts'
export type { HostOptions } from './host/host-options.ts'
export { recover } from './host/recover.ts'
export { listSessions, type ListedSession } from './host/list-sessions.ts'
