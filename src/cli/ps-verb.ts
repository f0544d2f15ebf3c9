import { listSessions, type ListedSession } from '../host/list-sessions.ts'
import type { HostRequest } from './command-line.ts'
import { jsonText, type Terminal } from './report.ts'
import { exitStatus } from './exit-status.ts'

const heads = ['ID', 'NAME', 'PID', 'STARTED', 'STATE', 'JID', 'ROOT']

/** `buildjail ps`: the sessions of this host. Returns the exit status. */
export async function psVerb({ isJson, stateDirectory }: HostRequest, terminal: Terminal): Promise<number> {
  const sessions = await listSessions(stateDirectory === undefined ? {} : { stateDirectory })
  terminal.out(isJson ? `${jsonText(sessions, 2)}\n` : table([heads, ...sessions.map(cellsOf)]))
  return exitStatus.success
}

function cellsOf({ id, name, pid, startedAt, state, jid, root }: ListedSession): string[] {
  const started = startedAt.toISOString().replace(/\.\d+Z$/, 'Z')
  return [id, name ?? '-', String(pid), started, state, jid === undefined ? '-' : String(jid), root ?? '-']
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd())
  return `${lines.join('\n')}\n`
}
