import type { RecordedProcess, RunRecord } from '../recording/run-record.ts'
import { rowsOfTree } from './branches.ts'
import { bar } from './chart.ts'
import { type Row, table } from './document.ts'
import { bytes, duration } from './figures.ts'
import { html, type Markup, nothing } from './html.ts'

const columns = [
  { name: 'Program', style: 'code' },
  { name: 'Number', style: 'number' },
  { name: 'Began', style: 'number' },
  { name: 'Seen for', style: 'number' },
  { name: 'Processor time', style: 'number' },
  { name: 'Memory at most', style: 'number' },
  { name: 'Drawn', style: 'wide', isUnnamed: true },
] as const

/** Each process below the one that started it, over time. Empty if none was seen. */
export function processTree({ processes = [], processesLeftOut = 0, closingMs }: RunRecord): Markup {
  if (processes.length === 0) return nothing
  const known = new Set(processes.map(({ pid }) => pid))
  const tops = processes.filter(({ parent }) => !known.has(parent))
  // Numbers are used again, so parents can form a circle, which no top leads to. Each process is drawn once.
  const left = new Set(processes)
  const takeBelow = (pid: number): RecordedProcess[] => {
    const children = [...left].filter(({ parent }) => parent === pid)
    for (const child of children) left.delete(child)
    return children
  }
  const rows = [...tops, ...processes].flatMap((top) => (left.delete(top) ? rowsOfTree(top, ({ pid }) => takeBelow(pid), (process, lines) => rowOf(process, lines, closingMs)) : []))
  const more = processesLeftOut === 0 ? '' : ` ${processesLeftOut} more were seen and are left out.`
  return html`<details><summary><h3>${processes.length === 1 ? 'One process was' : `${processes.length} processes were`} seen</h3></summary>
<p>The session was looked at from time to time. A process that began and ended between two looks is not here.${more}</p>
${table('The processes of the session', columns, rows)}</details>`
}

function rowOf({ pid, program, beganMs, lastSeenMs, cpuTime, mostMemory }: RecordedProcess, lines: Markup, whole: number): Row {
  const seen = Math.max(lastSeenMs - beganMs, 0)
  const partOf = (ms: number): number => (whole > 0 ? Math.min(ms / whole, 1) : 0)
  return [html`${lines}${program}`, String(pid), duration(beganMs), duration(seen), duration(cpuTime), bytes(mostMemory), bar(partOf(beganMs), partOf(seen))]
}
