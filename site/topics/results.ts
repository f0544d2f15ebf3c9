/**
 * How a command went.
 * @module Results
 */
export type { AnyStdio, Cause, Difference, Hint, Kept, LeftInOutput, NotVaried, StdioOf, Result, Usage, Verification, VerifiedBuild } from '../../src/index.ts'
