/**
 * How a command went.
 * @module Results
 */
export type { AnyStdio, Hint, Kept, LeftInOutput, StdioOf, Result, Usage } from '../../src/index.ts'
