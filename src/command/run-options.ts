import { constants } from 'node:buffer'

import { checkCwd, checkEnv, type CommandVariables } from './command.ts'
import { checkInput, takeInput, type Input } from './input.ts'
import type { CheckedRunLimits, RunLimits } from '../spec/fields/limits.ts'
import { checkLimits } from './limits.ts'
import { endingChecks, type CheckedEndingOptions, type EndingOptions } from './ending.ts'
import { asOption, checkBoolean, copyOptions, invalid, type OptionCheck } from './options.ts'
import { wireStdio, wireTargets, type StdioTargets } from './target.ts'
import { checkTerminalSize, type TerminalSize } from './terminal.ts'
import type { WireStdio } from '../native/wire-job.ts'
import { readBytes, type Size } from '../spec/units.ts'

export interface RunOptions extends EndingOptions {
  /** Added to the session's environment, for this command. A variable that is undefined is taken out of it. */
  readonly env?: CommandVariables
  /** Inside. Default: the session's. */
  readonly cwd?: string
  /** How much it may take. Of what the session limits as well, the smaller holds. */
  readonly limits?: RunLimits
  /**
   * Given to the command as stdin. Without it, stdin is /dev/null. A stream can be given to one command only. One that fails or is destroyed before its end ends the
   * command, as `signal` does. The stream is destroyed when the command ends before it has read all of it.
   */
  readonly input?: Input
  /**
   * All three at once. `inherit`, `pipe`, `ignore`: `stdin`, `stdout` and `stderr` are each that. `pty`: a terminal of the command's own, which is all three of its standard descriptors. What is written to `stdin` of the Running that
   * `run` returns is typed into it. Everything that comes from it is collected as stdout. A terminal that is inherited is not handed on:
   * the command gets one of its own for it.
   */
  readonly stdio?: 'pty' | 'inherit' | 'pipe' | 'ignore'
  /** Of a `pty` at first, in characters. Default: 80 columns, 24 rows. */
  readonly terminalSize?: TerminalSize
  /** Where stdin comes from instead of `input`. `pipe`: from the `stdin` of the Running that `run` returns. */
  readonly stdin?: 'pipe' | 'inherit' | 'ignore' | { readonly file: string }
  /** `pipe` (default): collected into the result. A list sends the same to each: `['pipe', 'inherit', { file }]`. */
  readonly stdout?: StdioTargets
  readonly stderr?: StdioTargets
  /**
   * stdout and stderr are one pipe, which goes where `stdout` says. So `all` of the result has both exactly as they were written.
   * `stdout` and `stderr` of the result are empty then. Default: false.
   */
  readonly all?: boolean
  /** Bytes kept of stdout and of stderr; a command that writes more is killed. Default: 100 MiB; at most what a string holds. */
  readonly maxBuffer?: Size
  /** How the result has stdout and stderr. `utf8` (default): text, in which invalid bytes are replaced; `buffer`: bytes. */
  readonly encoding?: 'utf8' | 'buffer'
  /** True: the result has lists of lines. Default: false. */
  readonly lines?: boolean
  /** The output in the result is without the newline at its end; of `lines`, each line is. Default: true. */
  readonly stripFinalNewline?: boolean
  /** False: an unsuccessful command resolves like any other. Default: true, it rejects with a CommandError. */
  readonly reject?: boolean
  /** True: the command line, and how it ended after how long, are written to stderr of this program. Default: false. */
  readonly verbose?: boolean
}

/** Options as they were copied and checked. */
export interface CheckedRunOptions extends CheckedEndingOptions, Omit<RunOptions, keyof EndingOptions | 'limits' | 'maxBuffer' | 'stdio' | 'stdin' | 'stdout' | 'stderr'> {
  /** Another word is in the three. */
  readonly stdio?: 'pty'
  readonly maxBuffer?: number
  readonly limits?: CheckedRunLimits
  readonly stdin?: WireStdio
  readonly stdout?: readonly WireStdio[]
  readonly stderr?: readonly WireStdio[]
}

export const defaultMaxBuffer: number = 100 * 1024 * 1024

/** Of the options that replace the session's own, or narrow them. */
export const placeChecks: Readonly<Record<'env' | 'cwd' | 'limits', OptionCheck>> = {
  env: (value) => checkEnv(value as CommandVariables),
  cwd: (value) => {
    checkCwd(value as string)
    return value
  },
  limits: checkLimits,
}

const words = ['pty', 'inherit', 'pipe', 'ignore'] as const

const checks: Readonly<Record<keyof RunOptions, OptionCheck>> = {
  ...placeChecks,
  ...endingChecks,
  input: (value, entry) => {
    checkInput(value, entry)
    return value
  },
  stdio: (value, entry) => {
    if (!words.some((word) => word === value)) throw invalid(entry, "must be 'pty', 'inherit', 'pipe' or 'ignore'; else say each of stdin, stdout and stderr: one of these words or { file: path }")
    return value
  },
  terminalSize: checkTerminalSize,
  stdin: wireStdio,
  stdout: wireTargets,
  stderr: wireTargets,
  all: checkBoolean,
  maxBuffer: (value, entry) => asOption(() => readBytes(value, entry, 0, constants.MAX_STRING_LENGTH)),
  encoding: (value, entry) => {
    if (value !== 'utf8' && value !== 'buffer') throw invalid(entry, "must be 'utf8' or 'buffer'")
    return value
  },
  lines: checkBoolean,
  stripFinalNewline: checkBoolean,
  reject: checkBoolean,
  verbose: checkBoolean,
}

/** Of a run that says nothing about how: all of them have one launch in common, but for the command. */
export const noOptions: CheckedRunOptions = Object.freeze(Object.create(null) as CheckedRunOptions)

/** A word for all three is each of them from here on, unless it is a terminal. */
function allThree(copied: Omit<CheckedRunOptions, 'stdio'> & Pick<RunOptions, 'stdio'>): CheckedRunOptions {
  const { stdio } = copied
  if (stdio === undefined) return copied as CheckedRunOptions
  for (const name of ['input', 'stdin', 'stdout', 'stderr', ...(stdio === 'pty' ? (['all'] as const) : [])] as const) {
    if (copied[name] !== undefined) throw invalid(name, `cannot be combined with stdio: '${stdio}'`)
  }
  if (stdio === 'pty') return copied as CheckedRunOptions
  const { stdio: _, ...others } = copied
  const target = wireStdio(stdio, 'stdio')
  // Without a prototype, as the copy is.
  return Object.assign(Object.create(null) as object, others, { stdin: target, stdout: [target] }, copied.all === true ? {} : { stderr: [target] })
}

/** @throws InvalidCommandError naming the option. */
export function checkRunOptions(options: RunOptions): CheckedRunOptions {
  const checked = allThree(copyOptions<Omit<CheckedRunOptions, 'stdio'> & Pick<RunOptions, 'stdio'>>(options, checks))
  if (checked.input !== undefined && checked.stdin !== undefined) throw invalid('stdin', 'cannot be combined with input')
  if (checked.all === true && checked.stderr !== undefined) throw invalid('stderr', 'cannot be combined with all: stderr goes where stdout goes')
  if (checked.stdio === undefined && checked.terminalSize !== undefined) throw invalid('terminalSize', "is for stdio: 'pty'")
  if (checked.lines === true && checked.encoding === 'buffer') throw invalid('lines', "cannot be combined with encoding: 'buffer'")
  takeInput(checked.input)
  return checked
}
