import { isTerminal } from '../command/is-terminal.ts'
import type { RunOptions } from '../command/run-options.ts'
import { variablesOf } from '../spec/fields/env.ts'
import type { Spec } from '../spec/spec.ts'

/**
 * What a command gets besides, that a person runs in this program's terminal, or that has one of its own (`isPty`). Its kind (environ(7), TERM) is told where the spec says
 * nothing of it. Such a command ends as it does when a terminal is closed: an interactive shell takes no notice of SIGTERM.
 */
export function terminalOptions(spec: Spec, isPty: boolean): Pick<RunOptions, 'env' | 'killSignal'> {
  if (!isPty && !isTerminal(0)) return {}
  const { TERM } = process.env
  const isNamed = TERM === undefined || TERM.includes('\0') || variablesOf(spec.env ?? {})['TERM'] !== undefined
  return { killSignal: 'SIGHUP', ...(isNamed ? {} : { env: { TERM } }) }
}
