/**
 * How a command went.
 * @module Results
 */
export type { AnyOutput, Kept, LeftInOutput, OutputOf, Result, Usage } from '../../src/index.ts'
