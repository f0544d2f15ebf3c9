import { release } from 'node:os'

import { countBlanks } from '../host/blank-sessions.ts'
import type { HostOptions } from '../host/host-options.ts'
import { listSessions, type ListedSession } from '../host/list-sessions.ts'
import { preflight, type Preflight } from '../host/preflight.ts'
import { recover } from '../host/recover.ts'
import type { Obstacle, RecoveredSession } from '../native/record.ts'
import { readable } from '../spec/messages.ts'
import type { HostRequest } from './command-line.ts'
import { inFlags } from './effective-spec.ts'
import { exitStatus } from './exit-status.ts'
import { jsonText, tell } from './report.ts'
import { styleOf, type Style, type Terminal } from './terminal.ts'

/** Identifies the host in an answer that is read on another. */
interface Surroundings {
  readonly buildjail: string
  readonly runtime: string
  readonly system: string
}

/** `buildjail doctor`: whether a session could be opened on this host, and what to do if not. Returns the exit status. */
export function doctorVerb({ isJson }: HostRequest, terminal: Terminal, version: string): number {
  const found = preflight()
  const host: Surroundings = { buildjail: version, runtime: runtime(), system: `${process.platform} ${release()} ${process.arch}` }
  terminal.out(isJson ? `${jsonText({ ...found, blankSessions: countBlanks(), host }, 2)}\n` : doctorText(found, host, styleOf(terminal)))
  return found.isSupported ? exitStatus.success : exitStatus.noSession
}

function runtime(): string {
  const { bun, node } = process.versions
  return bun === undefined ? `node ${node}` : `bun ${bun}`
}

function doctorText({ isSupported, obstacles, limitations }: Preflight, { buildjail, runtime: program, system }: Surroundings, { good, doubtful, bad }: Style): string {
  const lines = [`buildjail ${buildjail}, ${program}, ${system}`]
  lines.push(isSupported ? good('sessions can be opened on this host') : bad('no session can be opened on this host:'), ...obstacles.map(obstacleText))
  if (limitations.length > 0) lines.push(doubtful('sessions do without:'), ...limitations.map(obstacleText))
  return `${[...lines, ...blanksText()].join('\n')}\n`
}

function blanksText(): string[] {
  const count = countBlanks()
  return count === 0 ? [] : [`blank sessions, made ahead by programs of this user: ${count}`]
}

function obstacleText({ check, problem, remedy }: Obstacle): string {
  return `  ${check}: ${problem}\n    remedy: ${remedy}`
}

interface Column {
  readonly head: string
  readonly cell: (session: ListedSession) => string
  /** False if the system has no such thing for a session. Default: every system has it. */
  readonly has?: (session: ListedSession) => boolean
}

const columns: readonly Column[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name ?? '-' },
  { head: 'PID', cell: ({ pid }) => String(pid) },
  { head: 'STARTED', cell: ({ startedAt }) => startedAt.toISOString().replace(/\.\d+Z$/, 'Z') },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'JID', cell: ({ jid }) => (jid === undefined ? '-' : String(jid)), has: ({ jid }) => jid !== undefined },
  { head: 'ROOT', cell: ({ root }) => (root === undefined ? '-' : readable(root)), has: ({ root }) => root !== undefined },
]

/** `buildjail ps`: the sessions of this host. Returns the exit status. */
export async function psVerb(request: HostRequest, terminal: Terminal): Promise<number> {
  const sessions = await inStateDirectory(request, listSessions)
  terminal.out(request.isJson ? `${jsonText(sessions, 2)}\n` : table(sessions, styleOf(terminal)))
  return exitStatus.success
}

/** An error names the option. */
async function inStateDirectory<T>({ stateDirectory }: HostRequest, act: (options: HostOptions) => Promise<T>): Promise<T> {
  try {
    return await act(stateDirectory === undefined ? {} : { stateDirectory })
  } catch (error) {
    throw inFlags(error)
  }
}

function table(sessions: readonly ListedSession[], { strong, doubtful }: Style): string {
  const shown = columns.filter(({ has }) => has === undefined || sessions.some(has))
  const rows = [shown.map(({ head }) => head), ...sessions.map((session) => shown.map(({ cell }) => cell(session)))]
  const widths = shown.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row, index) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()
    return index === 0 ? strong(line) : sessions[index - 1]?.state === 'orphaned' ? doubtful(line) : line
  })
  return `${[...lines, ...blanksText()].join('\n')}\n`
}

/** `buildjail gc`: removes the remains of sessions of dead processes. Returns the exit status. */
export async function gcVerb(request: HostRequest, terminal: Terminal): Promise<number> {
  const report = await inStateDirectory(request, recover)
  const { recovered, leftAlone } = report
  if (request.isJson) {
    terminal.out(`${jsonText(report, 2)}\n`)
  } else {
    if (recovered.length + leftAlone.length === 0) terminal.out('nothing to recover\n')
    for (const session of recovered) terminal.out(`${recoveredText(session)}\n`)
    for (const { path, reason } of leftAlone) tell(terminal, `left alone: ${readable(path)}: ${reason}`)
  }
  return leftAlone.length === 0 ? exitStatus.success : exitStatus.leftAlone
}

function recoveredText({ id, name, pid, jail, unmounted, handedBack, lost }: RecoveredSession): string {
  const acts = [
    ...(jail === undefined ? [] : [`removed jail ${jail}`]),
    ...(unmounted.length === 0 ? [] : [`unmounted ${unmounted.length}`]),
    ...handedBack.map((path) => `gave back ${readable(path)}`),
    ...lost.map((path) => `lost ${readable(path)}`),
  ]
  return `${id}${name === undefined ? '' : ` ${name}`} (pid ${pid}): ${acts.join(', ')}`
}
