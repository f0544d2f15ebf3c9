import type { RecordedProcess, RunRecord } from '../recording/run-record.ts'
import type { RecordedTracedProcess } from '../recording/traced-processes.ts'
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

/** A process of the trace, of the looks from time to time, or of both. */
interface Drawn {
  readonly pid: number
  readonly parent: number
  readonly program: string
  readonly beganMs: number
  /** Absent if it was seen to begin, and not again. */
  readonly lastMs?: number
  readonly seen?: RecordedProcess
}

/** Each process below the one that started it, over time. Empty if none was seen. */
export function processTree(record: RunRecord): Markup {
  const { processes = [], processesLeftOut = 0, tracedProcesses, tracedProcessesLeftOut = 0, closingMs } = record
  const all = tracedProcesses === undefined ? processes.map(drawnOfSeen) : drawnOfTrace(tracedProcesses, record)
  if (all.length === 0) return nothing
  const about =
    tracedProcesses === undefined
      ? html`The session was looked at from time to time. A process that began and ended between two looks is not here; of a run with <code>--trace</code> it is.`
      : html`From the trace: each process that looked something up is here, however short it was. Processor time, memory and, on Linux, how long it was seen come from looks from time to time; where they are missing, no look found it.`
  const leftOut = tracedProcesses === undefined ? processesLeftOut : tracedProcessesLeftOut
  const more = leftOut === 0 ? '' : ` ${leftOut} more were seen and are left out.`
  return html`<details><summary><h3>${all.length === 1 ? 'One process was' : `${all.length} processes were`} seen</h3></summary>
<p>${about}${more}</p>
${table('The processes of the session', columns, treeOf(all, closingMs))}</details>`
}

function treeOf(all: readonly Drawn[], whole: number): Row[] {
  const known = new Known(all)
  const startedBy = grouped(all, ({ parent, beganMs }) => known.at(parent, beganMs))
  // Numbers are used again, so parents can form a circle, which no top leads to. Each process is drawn once.
  const left = new Set(all)
  const takeBelow = (one: Drawn): readonly Drawn[] => (startedBy.get(one) ?? []).filter((child) => left.delete(child))
  return [...(startedBy.get(undefined) ?? []), ...all].flatMap((top) => (left.delete(top) ? rowsOfTree(top, takeBelow, (process, lines) => rowOf(process, lines, whole)) : []))
}

function drawnOfSeen(seen: RecordedProcess): Drawn {
  const { pid, parent, program, beganMs, lastSeenMs } = seen
  return { pid, parent, program, beganMs, lastMs: lastSeenMs, seen }
}

function drawnOfTrace(traced: readonly RecordedTracedProcess[], { processes = [], programs = [] }: RunRecord): readonly Drawn[] {
  const known = new Known(traced)
  const seenOf = new Map(processes.map((seen) => [known.at(seen.pid, seen.lastSeenMs), seen]))
  return traced.map((one): Drawn => {
    const { pid, parent, program, beganMs, endedMs } = one
    const seen = seenOf.get(one)
    const lastMs = endedMs ?? seen?.lastSeenMs
    const path = program === undefined ? undefined : programs[program]?.path
    return { pid, parent, program: path ?? seen?.program ?? '', beganMs, ...(lastMs !== undefined && { lastMs }), ...(seen !== undefined && { seen }) }
  })
}

/** Processes by their numbers. */
class Known<Process extends { readonly pid: number; readonly beganMs: number }> {
  readonly #byPid: ReadonlyMap<number, readonly Process[]>

  constructor(all: readonly Process[]) {
    this.#byPid = grouped(all, ({ pid }) => pid)
  }

  /** A number can come again. It then belongs to the last process that began before. */
  at(pid: number, ms: number): Process | undefined {
    const all = this.#byPid.get(pid)
    return all?.findLast(({ beganMs }) => beganMs <= ms) ?? all?.[0]
  }
}

function grouped<Key, Value>(values: readonly Value[], keyOf: (value: Value) => Key): ReadonlyMap<Key, readonly Value[]> {
  const groups = new Map<Key, Value[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(value)
  }
  return groups
}

/** So that a process that was seen once is drawn as a mark. */
const mark = Number.MIN_VALUE

function rowOf({ pid, program, beganMs, lastMs, seen }: Drawn, lines: Markup, whole: number): Row {
  const took = lastMs === undefined ? undefined : Math.max(lastMs - beganMs, 0)
  const partOf = (ms: number): number => (whole > 0 ? Math.min(ms / whole, 1) : 0)
  const [cpuTime, memory] = seen === undefined ? ['', ''] : [duration(seen.cpuTime), bytes(seen.mostMemory)]
  return [html`${lines}${program}`, String(pid), duration(beganMs), took === undefined ? '' : duration(took), cpuTime, memory, bar(partOf(beganMs), Math.max(partOf(took ?? 0), mark))]
}
