import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { invalid } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import { answerAsked, type BenchRequest, type PageRequest, parseCommandLine } from './command-line.ts'
import { doctorVerb, gcVerb, psVerb } from './host-verbs.ts'
import { exitStatus } from './exit-status.ts'
import { helpOf, helpTopics } from './help.ts'
import { packageVersion } from './manual.ts'
import { textOfFile } from './named-file.ts'
import { planVerb } from './plan-verb.ts'
import { errorJson, tell } from './report.ts'
import { styleOf, type Terminal } from './terminal.ts'
import { runVerb } from './run-verb.ts'

/** Runs a command line and returns the exit status. `argv` starts after the program's own name. */
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
      case 'trace':
        // Loaded for this verb only.
        return (await import('./trace-verb.ts')).traceVerb(request, terminal)
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
    const answer = answerAsked(argv)
    if (answer !== undefined) terminal.out(errorJson(error, answer === 'events' ? { event: 'result' } : {}))
    return exitStatus.ownFailure
  }
}

function helpOrRefuse(topic: string, terminal: Terminal): string {
  const help = helpOf(topic, styleOf(terminal))
  if (help === undefined) throw invalid(readable(topic), `is not a help topic; topics are ${helpTopics.join(', ')}, and each option, field and limit`)
  return help
}

async function completionOf(shell: string): Promise<string> {
  const { completions } = await import('./completion.ts')
  const completion = Object.hasOwn(completions, shell) ? completions[shell] : undefined
  if (completion === undefined) throw invalid(readable(shell), `is not a shell that buildjail completes for; those are ${Object.keys(completions).join(', ')}`)
  return completion.text()
}

/** `buildjail page`: makes the page of a record, the same page as the run would have written. */
async function pageVerb({ record }: PageRequest, terminal: Terminal): Promise<void> {
  // Loaded for this verb only.
  const { pageOfJson } = await import('../page/page.ts')
  terminal.out(pageOfJson(textOfFile(record), record))
}

/** `buildjail bench`: a program of its own, because the modules loaded here would slow down the measured code. Returns its exit status. */
async function benchVerb({ compared, options }: BenchRequest): Promise<number> {
  // Two levels up from src/cli/ as from dist/cli/.
  const program = fileURLToPath(new URL(`../../bench/${compared === undefined ? 'main' : 'compare'}.mjs`, import.meta.url))
  const words = compared === undefined ? options : [...options, '--', ...compared]
  const child = spawn(process.execPath, [program, ...words], { stdio: 'inherit' })
  const [status] = (await once(child, 'close')) as [number | null]
  return status ?? exitStatus.ownFailure
}
