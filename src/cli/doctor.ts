import { release } from 'node:os'

import { preflight, type Obstacle, type Preflight } from '../host/preflight.ts'
import type { HostRequest } from './arguments.ts'
import { jsonText, type Terminal } from './report.ts'
import { exitStatus } from './status.ts'

/** Where it was asked, for who reads the answer elsewhere. */
interface Host {
  readonly buildjail: string
  readonly runtime: string
  readonly system: string
}

/** `buildjail doctor`: whether a session could be opened here, and what to do where not. Answers with the exit status. */
export function doctor({ isJson }: HostRequest, terminal: Terminal, version: string): number {
  const found = preflight()
  const host: Host = { buildjail: version, runtime: runtime(), system: `${process.platform} ${release()} ${process.arch}` }
  terminal.out(isJson ? `${jsonText({ ...found, host }, 2)}\n` : doctorText(found, host))
  return found.isSupported ? exitStatus.success : exitStatus.noSession
}

function runtime(): string {
  const { bun, node } = process.versions
  return bun === undefined ? `node ${node}` : `bun ${bun}`
}

function doctorText({ isSupported, obstacles, limitations }: Preflight, { buildjail, runtime: program, system }: Host): string {
  const lines = [`buildjail ${buildjail}, ${program}, ${system}`]
  lines.push(isSupported ? 'sessions can be opened here' : 'no session can be opened here:', ...obstacles.map(describe))
  if (limitations.length > 0) lines.push('what there is not here:', ...limitations.map(describe))
  return `${lines.join('\n')}\n`
}

function describe({ check, problem, remedy }: Obstacle): string {
  return `  ${check}: ${problem}\n    remedy: ${remedy}`
}
