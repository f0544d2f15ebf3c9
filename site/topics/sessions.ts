/**
 * Sessions, pools of sessions, and what the kernel reports about a session.
 * @module Sessions
 */
export { build, openSession, Session, setConcurrency, SessionPool, verify } from '../../src/index.ts'
export type { Applied, Changes, Concurrency, Copied, CredentialsRecord, IdRangeRecord, LimitRecord, MountRecord, OpenOptions, OutputRecord, SessionPoolOptions, SessionProcess, SessionRecord, SessionStep, SessionUsage, Trace, TracedFile, TracedOutcome, TracedProcess, TracedProgram, TracedUse, VariationName, VerifyOptions } from '../../src/index.ts'
