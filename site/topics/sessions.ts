/**
 * Sessions, pools of them, and what the kernel says of them.
 * @module Sessions
 */
export { build, openSession, Session, setConcurrency, SessionPool } from '../../src/index.ts'
export type { Applied, Changes, Concurrency, CredentialsRecord, IdRangeRecord, LimitRecord, MountRecord, OpenOptions, OutputRecord, SessionPoolOptions, SessionProcess, SessionRecord, SessionUsage, Trace, TracedFile, TracedOutcome, TracedProcess, TracedProgram, TracedUse } from '../../src/index.ts'
