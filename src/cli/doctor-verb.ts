import { release } from 'node:os'

import { preflight, type Obstacle, type Preflight } from '../host/preflight.ts'
import type { HostRequest } from './command-line.ts'
import { jsonText, styleOf, type Terminal } from './report.ts'
import type { Style } from './style.ts'
import { exitStatus } from './exit-status.ts'

/** Where the doctor was asked, for people who read the answer elsewhere. */
interface Surroundings {
  readonly buildjail: string
  readonly runtime: string
  readonly system: string
}

/** `buildjail doctor`: whether a session could be opened on this host, and what to do if not. Returns the exit status. */
export function doctorVerb({ isJson }: HostRequest, terminal: Terminal, version: string): number {
  const found = preflight()
  const host: Surroundings = { buildjail: version, runtime: runtime(), system: `${process.platform} ${release()} ${process.arch}` }
  terminal.out(isJson ? `${jsonText({ ...found, host }, 2)}\n` : doctorText(found, host, styleOf(terminal)))
  return found.isSupported ? exitStatus.success : exitStatus.noSession
}

function runtime(): string {
  const { bun, node } = process.versions
  return bun === undefined ? `node ${node}` : `bun ${bun}`
}

function doctorText({ isSupported, obstacles, limitations }: Preflight, { buildjail, runtime: program, system }: Surroundings, { good, doubtful, bad }: Style): string {
  const lines = [`buildjail ${buildjail}, ${program}, ${system}`]
  lines.push(isSupported ? good('sessions can be opened on this host') : bad('no session can be opened on this host:'), ...obstacles.map(describe))
  if (limitations.length > 0) lines.push(doubtful('sessions do without:'), ...limitations.map(describe))
  return `${lines.join('\n')}\n`
}

function describe({ check, problem, remedy }: Obstacle): string {
  return `  ${check}: ${problem}\n    remedy: ${remedy}`
}
