/**
 * Commands, the options to run them with, and commands that run.
 * @module Running commands
 */
export { BuildProcess, commandLine, Running } from '../../src/index.ts'
export type { BuildProcessEvents, Command, CommandVariables, EndingOptions, Input, StdioTargets, RunLimits, RunOptions, Signal, SpawnOptions, StdioTarget, TerminalSize } from '../../src/index.ts'
