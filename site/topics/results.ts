/**
 * How a command went.
 * @module Results
 */
export type { AnyStdio, Kept, LeftInOutput, StdioOf, Result, Usage } from '../../src/index.ts'
