import { invalid } from '../spec/check.ts'
import { readable } from '../spec/readable.ts'
import { isJsonAsked, parseCommandLine } from './command-line.ts'
import { benchVerb } from './bench-verb.ts'
import { doctorVerb } from './doctor-verb.ts'
import { exitStatus } from './exit-status.ts'
import { gcVerb } from './gc-verb.ts'
import { helpOf, helpTopics } from './help.ts'
import { packageVersion } from './package-version.ts'
import { pageVerb } from './page-verb.ts'
import { planVerb } from './plan-verb.ts'
import { psVerb } from './ps-verb.ts'
import { errorJson, styleOf, tell, type Terminal } from './report.ts'
import { runVerb } from './run-verb.ts'

/** Does what the command line asks for and returns the exit status. `argv` starts after the program's own name. */
export async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const request = parseCommandLine(argv)
    switch (request.kind) {
      case 'help':
        terminal.out(helpOrRefuse(request.topic, terminal))
        return exitStatus.success
      case 'completion':
        terminal.out(await completionOf(request.shell))
        return exitStatus.success
      case 'version':
        terminal.out(`${packageVersion()}\n`)
        return exitStatus.success
      case 'plan':
        await planVerb(request, terminal)
        return exitStatus.success
      case 'run':
        return await runVerb(request, terminal)
      case 'page':
        await pageVerb(request, terminal)
        return exitStatus.success
      case 'bench':
        return await benchVerb(request)
      case 'doctor':
        return doctorVerb(request, terminal, packageVersion())
      case 'ps':
        return await psVerb(request, terminal)
      case 'gc':
        return await gcVerb(request, terminal)
    }
  } catch (error) {
    tell(terminal, error)
    if (isJsonAsked(argv)) terminal.out(errorJson(error))
    return exitStatus.ownFailure
  }
}

function helpOrRefuse(topic: string, terminal: Terminal): string {
  const help = helpOf(topic, styleOf(terminal))
  if (help === undefined) throw invalid(readable(topic), `is nothing that there is help about; there are ${helpTopics.join(', ')}, and each option, field and limit`)
  return help
}

async function completionOf(shell: string): Promise<string> {
  const { completions } = await import('./completion/completion.ts')
  const completion = Object.hasOwn(completions, shell) ? completions[shell] : undefined
  if (completion === undefined) throw invalid(readable(shell), `is no shell that there is a completion for; there are ${Object.keys(completions).join(', ')}`)
  return completion.text()
}
