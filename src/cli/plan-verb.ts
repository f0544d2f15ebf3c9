import { checkCommand, commandLine } from '../command/command.ts'
import { planOf } from '../spec/plan.ts'
import { planText } from '../spec/plan-text.ts'
import type { PlanRequest } from './command-line.ts'
import { jsonText, type Terminal } from './report.ts'

/** `buildjail plan`: shows what `run` would build, and builds nothing. */
export function planVerb({ spec, command, isJson }: PlanRequest, terminal: Terminal): void {
  if (command.length > 0) checkCommand(command)
  const planned = planOf(spec)
  if (isJson) {
    terminal.out(`${jsonText(planned, 2)}\n`)
    return
  }
  terminal.out(planText(planned))
  if (command.length > 0) terminal.out(`\ncommand\n  ${commandLine(command)}\n`)
}
