import { listSessions, type ListedSession } from '../host/list-sessions.ts'
import { readable } from '../spec/readable.ts'
import type { HostRequest } from './command-line.ts'
import { jsonText, styleOf, type Terminal } from './report.ts'
import type { Style } from './style.ts'
import { exitStatus } from './exit-status.ts'

interface Column {
  readonly head: string
  readonly cell: (session: ListedSession) => string
  /** Whether the system has such a thing for a session. Default: every system has. */
  readonly has?: (session: ListedSession) => boolean
}

const columns: readonly Column[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name ?? '-' },
  { head: 'PID', cell: ({ pid }) => String(pid) },
  { head: 'STARTED', cell: ({ startedAt }) => startedAt.toISOString().replace(/\.\d+Z$/, 'Z') },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'JID', cell: ({ jid }) => (jid === undefined ? '-' : String(jid)), has: ({ jid }) => jid !== undefined },
  { head: 'ROOT', cell: ({ root }) => root === undefined ? '-' : readable(root), has: ({ root }) => root !== undefined },
]

/** `buildjail ps`: the sessions of this host. Returns the exit status. */
export async function psVerb({ isJson, stateDirectory }: HostRequest, terminal: Terminal): Promise<number> {
  const sessions = await listSessions(stateDirectory === undefined ? {} : { stateDirectory })
  terminal.out(isJson ? `${jsonText(sessions, 2)}\n` : table(sessions, styleOf(terminal)))
  return exitStatus.success
}

function table(sessions: readonly ListedSession[], { strong, doubtful }: Style): string {
  const shown = columns.filter(({ has }) => has === undefined || sessions.some(has))
  const rows = [shown.map(({ head }) => head), ...sessions.map((session) => shown.map(({ cell }) => cell(session)))]
  const widths = shown.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row, index) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()
    return index === 0 ? strong(line) : sessions[index - 1]?.state === 'orphaned' ? doubtful(line) : line
  })
  return `${lines.join('\n')}\n`
}
