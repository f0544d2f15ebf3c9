import type { RecordedProcess, RunRecord } from '../recording/run-record.ts'
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
  const below = byParent(processes)
  const tops = processes.filter(({ parent, pid }) => !known.has(parent) || parent === pid)
  const drawn = new Set<RecordedProcess>()
  const rows = [...tops, ...processes].flatMap((top) => rowsOf(top, '', '', below, drawn, closingMs))
  const more = processesLeftOut === 0 ? '' : ` ${processesLeftOut} more were seen and are left out.`
  return html`<details><summary><h3>${processes.length === 1 ? 'One process was' : `${processes.length} processes were`} seen</h3></summary>
<p>The session was looked at from time to time. A process that began and ended between two looks is not here.${more}</p>
${table('The processes of the session', columns, rows)}</details>`
}

function byParent(processes: readonly RecordedProcess[]): Map<number, RecordedProcess[]> {
  const groups = new Map<number, RecordedProcess[]>()
  for (const process of processes) {
    const siblings = groups.get(process.parent)
    if (siblings === undefined) groups.set(process.parent, [process])
    else siblings.push(process)
  }
  return groups
}

/** `drawn`: each is drawn once. Numbers are used again, so parents can be a circle, which no top leads to. */
function rowsOf(process: RecordedProcess, before: string, branch: string, below: ReadonlyMap<number, readonly RecordedProcess[]>, drawn: Set<RecordedProcess>, whole: number): Row[] {
  if (drawn.has(process)) return []
  drawn.add(process)
  const { pid, program, beganMs, lastSeenMs, cpuTime, mostMemory } = process
  const seen = Math.max(lastSeenMs - beganMs, 0)
  const row: Row = [
    html`<span class="branch" aria-hidden="true">${before}${branch}</span>${program}`,
    String(pid),
    duration(beganMs),
    duration(seen),
    duration(cpuTime),
    bytes(mostMemory),
    bar(whole > 0 ? Math.min(beganMs / whole, 1) : 0, whole > 0 ? Math.min(seen / whole, 1) : 0),
  ]
  const children = below.get(pid) ?? []
  const under = branch === '' ? before : before + (branch.startsWith('└') ? '   ' : '│  ')
  return [row, ...children.flatMap((child, index) => rowsOf(child, under, index === children.length - 1 ? '└─ ' : '├─ ', below, drawn, whole))]
}
