import { readFileSync } from 'node:fs'

import { isJsonAsked, parseCommandLine } from './arguments.ts'
import { doctor } from './doctor.ts'
import { helpOf } from './help.ts'
import { plan } from './plan.ts'
import { errorJson, tell, type Terminal } from './report.ts'
import { run } from './run.ts'
import { exitStatus } from './status.ts'

/** Does what the command line says, and answers with the exit status. `argv` starts after the program's own name. */
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
        plan(request, terminal)
        return exitStatus.success
      case 'run':
        return await run(request, terminal)
      case 'doctor':
        return doctor(request, terminal, packageVersion())
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
