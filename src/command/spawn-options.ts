import type { CommandVariables } from './command.ts'
import type { CheckedRunLimits, RunLimits } from '../spec/fields/limits.ts'
import { endingChecks, type CheckedEndingOptions, type EndingOptions } from './ending.ts'
import { placeChecks } from './run-options.ts'
import { copyOptions, invalid, type OptionCheck } from './options.ts'
import { wireStdio, type StdioTarget } from './target.ts'
import { checkTerminalSize, pty, type TerminalSize } from './terminal.ts'
import type { WireStdio } from '../native/wire-job.ts'

/** Options of `Session.spawn`. */
export interface SpawnOptions extends EndingOptions {
  /** Variables for this command, added to those of the session. An undefined one removes that of the session. */
  readonly env?: CommandVariables
  /** The directory inside. Default: the session's. */
  readonly cwd?: string
  /** How much the command may use. If the session has the same limit, the smaller one holds. */
  readonly limits?: RunLimits
  /**
   * stdin, stdout and stderr, or one word for all three. Default, also for missing entries of a list: `pipe`. `pty`: a terminal of the command's own. `stdin`
   * types into it, and `stdout` has its output. An inherited terminal is never given to the command: it gets one of its own instead.
   */
  readonly stdio?: 'pipe' | 'inherit' | 'ignore' | 'pty' | readonly (StdioTarget | undefined)[]
  /** The first size of a `pty`, in characters. Default: 80 columns, 24 rows. */
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
