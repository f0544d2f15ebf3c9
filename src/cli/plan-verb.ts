import { checkCommand, commandLine } from '../command/command.ts'
import type { Spec } from '../spec/fields.ts'
import { planOf, type Plan } from '../spec/plan.ts'
import { planText } from '../spec/plan-text.ts'
import { inOneLine } from '../spec/readable.ts'
import type { PlanRequest } from './command-line.ts'
import { jsonText, styleOf, type Terminal } from './report.ts'
import { settled, type Settled } from './settled.ts'

/** `buildjail plan`: shows what `run` would build, and builds nothing. */
export async function planVerb(request: PlanRequest, terminal: Terminal): Promise<void> {
  const { spec, command, placed } = await settled(request)
  if (command.length > 0) checkCommand(command)
  const planned = planIn(spec, placed)
  if (request.isJson) {
    terminal.out(`${jsonText(planned, 2)}\n`)
    return
  }
  const { strong } = styleOf(terminal)
  terminal.out(planText(planned, strong))
  if (command.length > 0) terminal.out(`\n${strong('command')}\n  ${inOneLine(commandLine(command))}\n`)
}

function planIn(spec: Spec, placed: Settled['placed']): Plan {
  try {
    return planOf(spec)
  } catch (error) {
    throw placed(error)
  }
}
