import { checkCommand, commandLine } from '../command/command.ts'
import type { Spec } from '../spec/fields.ts'
import { planOf, type Plan } from '../spec/plan.ts'
import { planText } from '../spec/plan-text.ts'
import { inOneLine } from '../spec/messages.ts'
import type { PlanRequest } from './command-line.ts'
import { jsonText } from './report.ts'
import { styleOf, type Terminal } from './terminal.ts'
import { effectiveSpec, type EffectiveSpec } from './effective-spec.ts'

/** `buildjail plan`: shows the session that `run` would open, and opens none. */
export async function planVerb(request: PlanRequest, terminal: Terminal): Promise<void> {
  const { spec, command, located } = await effectiveSpec(request)
  if (command.length > 0) checkCommand(command)
  const planned = planIn(spec, located)
  if (request.isJson) {
    terminal.out(`${jsonText(planned, 2)}\n`)
    return
  }
  const { strong } = styleOf(terminal)
  terminal.out(planText(planned, strong))
  if (command.length > 0) terminal.out(`\n${strong('command')}\n  ${inOneLine(commandLine(command))}\n`)
}

function planIn(spec: Spec, located: EffectiveSpec['located']): Plan {
  try {
    return planOf(spec)
  } catch (error) {
    throw located(error)
  }
}
