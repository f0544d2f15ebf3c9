/**
 * Commands, the options that they are run with, and what they are while they run.
 * @module Running commands
 */
export { BuildProcess, commandLine, Running } from '../../src/index.ts'
export type { BuildProcessEvents, Command, CommandVariables, EndingOptions, Input, StdioTargets, RunLimits, RunOptions, Signal, SpawnOptions, StdioTarget, TerminalSize } from '../../src/index.ts'
