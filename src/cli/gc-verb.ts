import { recover, type RecoveredSession } from '../host/recover.ts'
import { readable } from '../spec/readable.ts'
import type { HostRequest } from './command-line.ts'
import { jsonText, tell, type Terminal } from './report.ts'
import { exitStatus } from './exit-status.ts'

/** `buildjail gc`: takes away what sessions of dead processes left. Returns the exit status. */
export async function gcVerb({ isJson, stateDirectory }: HostRequest, terminal: Terminal): Promise<number> {
  const report = await recover(stateDirectory === undefined ? {} : { stateDirectory })
  const { recovered, leftAlone } = report
  if (isJson) {
    terminal.out(`${jsonText(report, 2)}\n`)
  } else {
    if (recovered.length + leftAlone.length === 0) terminal.out('nothing to recover\n')
    for (const session of recovered) terminal.out(`${describe(session)}\n`)
    for (const { path, reason } of leftAlone) tell(terminal, `left alone: ${readable(path)}: ${reason}`)
  }
  return leftAlone.length === 0 ? exitStatus.success : exitStatus.leftAlone
}

function describe({ id, name, pid, jail, unmounted, handedBack, lost }: RecoveredSession): string {
  const acts = [
    ...(jail === undefined ? [] : [`removed jail ${jail}`]),
    ...(unmounted.length === 0 ? [] : [`unmounted ${unmounted.length}`]),
    ...handedBack.map((path) => `gave back ${readable(path)}`),
    ...lost.map((path) => `lost ${readable(path)}`),
  ]
  return `${id}${name === undefined ? '' : ` ${name}`} (pid ${pid}): ${acts.join(', ')}`
}
