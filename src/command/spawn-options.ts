import { endingChecks, placeChecks, type EndingOptions } from './run-options.ts'
import { copyOptions, invalid, type OptionCheck } from './options.ts'
import { wireStdio, type StdioTarget } from './target.ts'
import type { WireStdio } from '../native/wire-job.ts'

export interface SpawnOptions extends EndingOptions {
  /** Added to the session's environment, for this command. */
  readonly env?: Readonly<Record<string, string>>
  /** Inside. Default: the session's. */
  readonly cwd?: string
  /** stdin, stdout and stderr, or one word for all three. Default, for missing entries of a list too: `pipe`. */
  readonly stdio?: 'pipe' | 'inherit' | 'ignore' | readonly (StdioTarget | undefined)[]
}

/** Options as they were copied and checked. */
export interface CheckedSpawnOptions extends Omit<SpawnOptions, 'stdio'> {
  readonly stdio?: readonly [WireStdio, WireStdio, WireStdio]
}

const checks: Readonly<Record<keyof SpawnOptions, OptionCheck>> = { ...placeChecks, ...endingChecks, stdio: checkStdio }

/** @throws InvalidCommandError naming the option. */
export function checkSpawnOptions(options: SpawnOptions): CheckedSpawnOptions {
  return copyOptions<CheckedSpawnOptions>(options, checks)
}

function checkStdio(value: unknown, entry: string): CheckedSpawnOptions['stdio'] {
  if (typeof value === 'string') {
    const wire = wireStdio(value, entry)
    return [wire, wire, wire]
  }
  if (!Array.isArray(value)) throw invalid(entry, "must be 'pipe', 'inherit', 'ignore' or a list of up to three")
  if (value.length > 3) throw invalid(entry, 'has more than three entries: a command is given stdin, stdout and stderr and no other descriptor')
  const at = (index: number): WireStdio => {
    const target: unknown = Object.hasOwn(value, index) ? value[index] : undefined
    return wireStdio(target ?? 'pipe', `${entry}[${index}]`)
  }
  return [at(0), at(1), at(2)]
}
