import type { CommandVariables } from './command.ts'
import type { CheckedRunLimits, RunLimits } from '../spec/fields/limits.ts'
import { endingChecks, type CheckedEndingOptions, type EndingOptions } from './ending.ts'
import { placeChecks } from './run-options.ts'
import { copyOptions, invalid, type OptionCheck } from './options.ts'
import { wireStdio, type StdioTarget } from './target.ts'
import { checkTerminalSize, pty, type TerminalSize } from './terminal.ts'
import type { WireStdio } from '../native/wire-job.ts'

export interface SpawnOptions extends EndingOptions {
  /** Added to the session's environment, for this command. A variable that is undefined is taken out of it. */
  readonly env?: CommandVariables
  /** Inside. Default: the session's. */
  readonly cwd?: string
  /** How much it may take. Of what the session limits as well, the smaller holds. */
  readonly limits?: RunLimits
  /**
   * stdin, stdout and stderr, or one word for all three. Default, for missing entries of a list too: `pipe`. `pty`: a terminal of the
   * command's own, into which `stdin` types, and from which everything comes by `stdout`. One that is inherited is not handed on: the
   * command gets one of its own for it.
   */
  readonly stdio?: 'pipe' | 'inherit' | 'ignore' | 'pty' | readonly (StdioTarget | undefined)[]
  /** Of a `pty` at first, in characters. Default: 80 columns, 24 rows. */
  readonly terminalSize?: TerminalSize
}

/** Options as they were copied and checked. */
export interface CheckedSpawnOptions extends CheckedEndingOptions, Omit<SpawnOptions, keyof EndingOptions | 'limits' | 'stdio'> {
  readonly limits?: CheckedRunLimits
  readonly stdio?: readonly [WireStdio, WireStdio, WireStdio]
}

const checks: Readonly<Record<keyof SpawnOptions, OptionCheck>> = { ...placeChecks, ...endingChecks, stdio: checkStdio, terminalSize: checkTerminalSize }

/** @throws InvalidCommandError naming the option. */
export function checkSpawnOptions(options: SpawnOptions): CheckedSpawnOptions {
  const checked = copyOptions<CheckedSpawnOptions>(options, checks)
  if (checked.terminalSize !== undefined && checked.stdio?.[0] !== pty) throw invalid('terminalSize', "is for stdio: 'pty'")
  return checked
}

function checkStdio(value: unknown, entry: string): CheckedSpawnOptions['stdio'] {
  if (value === 'pty') return [pty, pty, pty]
  if (value === 'pipe' || value === 'inherit' || value === 'ignore') {
    const wire = wireStdio(value, entry)
    return [wire, wire, wire]
  }
  if (!Array.isArray(value)) throw invalid(entry, "must be 'pipe', 'inherit', 'ignore', 'pty' or a list of stdin, stdout and stderr")
  if (value.length > 3) throw invalid(entry, 'has more than three entries: a command is given stdin, stdout and stderr and no other descriptor')
  const at = (index: number): WireStdio => {
    const target: unknown = Object.hasOwn(value, index) ? value[index] : undefined
    return wireStdio(target ?? 'pipe', `${entry}[${index}]`)
  }
  return [at(0), at(1), at(2)]
}
