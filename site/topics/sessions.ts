/**
 * Sessions, pools of them, and what the kernel says of them.
 * @module Sessions
 */
export { build, openSession, Session, setConcurrency, SessionPool, verify } from '../../src/index.ts'
export type { Applied, Changes, Concurrency, Copied, CredentialsRecord, IdRangeRecord, LimitRecord, MountRecord, OpenOptions, OutputRecord, SessionPoolOptions, SessionProcess, SessionRecord, SessionStep, SessionUsage, Trace, TracedFile, TracedOutcome, TracedProcess, TracedProgram, TracedUse, VariationName, VerifyOptions } from '../../src/index.ts'
