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

/** Options of `build`, `Session.run` and `SessionPool.run`. */
export interface RunOptions extends EndingOptions {
  /** Variables for this command, added to those of the session. An undefined one removes that of the session. */
  readonly env?: CommandVariables
  /** The directory inside. Default: the session's. */
  readonly cwd?: string
  /** How much the command may use. If the session has the same limit, the smaller one holds. */
  readonly limits?: RunLimits
  /**
   * Given to the command as stdin. Without it, stdin is /dev/null. A stream can be given to one command only. A stream that fails or is destroyed before its
   * end ends the command, as `signal` does. A command that ends without reading all of the stream destroys it.
   */
  readonly input?: Input
  /**
   * stdin, stdout and stderr at once. `inherit`, `pipe`, `ignore`: each of them is that. `pty`: all three are a terminal of the command's own. Text that is
   * written to `stdin` of the Running that `run` returns is typed into it, and its output is collected as stdout. An inherited terminal is never given to the
   * command: it gets one of its own instead.
   */
  readonly stdio?: 'pty' | 'inherit' | 'pipe' | 'ignore'
  /** The first size of a `pty`, in characters. Default: 80 columns, 24 rows. */
  readonly terminalSize?: TerminalSize
  /** The source of stdin instead of `input`. `pipe`: the `stdin` of the Running that `run` returns. */
  readonly stdin?: 'pipe' | 'inherit' | 'ignore' | { readonly file: string }
  /** `pipe` (default): the output is collected into the result. A list sends the same to each: `['pipe', 'inherit', { file }]`. */
  readonly stdout?: StdioTargets
  readonly stderr?: StdioTargets
  /**
   * True: stdout and stderr are one pipe, which goes where `stdout` says. So `all` of the result has both exactly as they were written, and `stdout` and
   * `stderr` are empty. Default: false.
   */
  readonly all?: boolean
  /** Bytes kept of each of stdout and stderr; a command that writes more is killed. Default: 100 MiB; at most what a string holds. */
  readonly maxBuffer?: Size
  /** The form of stdout and stderr in the result. `utf8` (default): text, in which invalid bytes are replaced; `buffer`: bytes. */
  readonly encoding?: 'utf8' | 'buffer'
  /** True: the result has lists of lines. Default: false. */
  readonly lines?: boolean
  /** Whether the result lacks the newline at the end of the output, or with `lines` that of each line. Default: true. */
  readonly stripFinalNewline?: boolean
  /**
   * False: the promise resolves also if the command did not succeed. It still rejects if the command did not begin, or if a stream or file of the caller's
   * failed. Default: true, it rejects with a CommandError.
   */
  readonly reject?: boolean
  /** True: the command line, and how and after how long the command ended, are written to stderr of this program. Default: false. */
  readonly verbose?: boolean
}

/** Options as they were copied and checked. */
export interface CheckedRunOptions extends CheckedEndingOptions, Omit<RunOptions, keyof EndingOptions | 'limits' | 'maxBuffer' | 'stdio' | 'stdin' | 'stdout' | 'stderr'> {
  /** The other words are in `stdin`, `stdout` and `stderr`. */
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

/** The options of a run without any: all such runs share one launch, except for the command. */
export const noOptions: CheckedRunOptions = Object.freeze(Object.create(null) as CheckedRunOptions)

/** Replaces a word for all three by each of them, unless it is a terminal. */
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
