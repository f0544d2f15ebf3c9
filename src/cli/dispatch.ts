import { readFileSync } from 'node:fs'

import { isJsonAsked, parseCommandLine } from './command-line.ts'
import { doctorVerb } from './doctor-verb.ts'
import { exitStatus } from './exit-status.ts'
import { gcVerb } from './gc-verb.ts'
import { helpOf } from './help.ts'
import { planVerb } from './plan-verb.ts'
import { psVerb } from './ps-verb.ts'
import { errorJson, tell, type Terminal } from './report.ts'
import { runVerb } from './run-verb.ts'

/** Does what the command line asks for and returns the exit status. `argv` starts after the program's own name. */
export async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const request = parseCommandLine(argv)
    switch (request.kind) {
      case 'help':
        terminal.out(helpOf(request.topic))
        return exitStatus.success
      case 'version':
        terminal.out(`${packageVersion()}\n`)
        return exitStatus.success
      case 'plan':
        planVerb(request, terminal)
        return exitStatus.success
      case 'run':
        return await runVerb(request, terminal)
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
    return exitStatus.neverRan
  }
}

// Two levels up from src/cli/ as from dist/cli/.
function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
