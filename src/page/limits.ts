import type { RunRecord } from '../recording/run-record.ts'
import { limitNames, limitTable, type LimitName } from '../spec/fields/limits.ts'
import type { PlanLimits } from '../spec/plan.ts'
import { bar } from './chart.ts'
import { html, type Markup } from './html.ts'
import { table, type Row } from './document.ts'
import { bytes, digits, duration, mostMemory, mostOf, processorTime, share } from './figures.ts'

type PlannedLimit = Exclude<keyof PlanLimits, 'policy'>

const units = { bytes, milliseconds: duration, number: digits } as const

/** How much of each was used, where something counts that. */
const usedOf: { readonly [Name in PlannedLimit]?: (record: RunRecord) => number | undefined } = {
  memory: mostMemory,
  swap: (record) => mostOf(record, 'swap'),
  processes: (record) => record.usage?.peakProcesses ?? mostOf(record, 'processes'),
  cpus: processors,
  cpuTime: processorTime,
  wallTime: ({ openedMs, closingMs }) => Math.max(closingMs - openedMs, 0),
  stdio: ({ commands }) => Math.max(0, ...commands.map(({ stdio }) => stdio.stdout + stdio.stderr)),
}

const columns = [
  { name: 'Of what' },
  { name: 'Used', style: 'number' },
  { name: 'At most', style: 'number' },
  { name: 'Share', style: 'number' },
  { name: 'Drawn', style: 'wide', isUnnamed: true },
  { name: 'Held by', style: 'code' },
] as const

/** Each limit, with what was used of it. */
export function limitsSection(record: RunRecord): Markup {
  const { plan, kernel, usage, nearLimits, filled } = record
  const held = new Map((kernel?.limits ?? []).map(({ limit, by }) => [limit, by]))
  const rows = limitNames.flatMap((name): Row[] => {
    const { title, unit } = limitTable[name]
    const most = (plan.limits as Partial<Record<LimitName, number>>)[name]
    const used = (usedOf as Partial<Record<LimitName, (record: RunRecord) => number | undefined>>)[name]?.(record)
    // Swap is a row of its own only where it is limited.
    if (most === undefined && (name === 'swap' || used === undefined)) return []
    const by = most === undefined ? '' : (held.get(name) ?? (kernel === undefined ? '' : 'not held'))
    return [rowOf(title, used, most, units[unit], by)]
  })
  const memories = filled.map(({ target, used, size }) => rowOf(`In ${target}, in the end`, used, size, bytes, 'tmpfs'))
  const near = nearLimits.map(({ atMs, limit, used, most }) => html`<li>${duration(atMs)}: ${limit} was nearly reached, ${amountOf(limit, used)} of ${amountOf(limit, most)}.</li>`)
  return html`<p>${usage?.by === undefined ? 'The system did not count what all of its processes took together.' : `What all of its processes took together is counted by ${usage.by}.`}</p>
${table('Limits, and what was used of them', columns, [...rows, ...memories])}
${near.length === 0 ? undefined : html`<ul>${near}</ul>`}`
}

function rowOf(label: string, used: number | undefined, most: number | undefined, text: (value: number) => string, by: string): Row {
  const hasBoth = used !== undefined && most !== undefined
  return [
    label,
    used === undefined ? 'not counted' : text(used),
    most === undefined ? 'no limit' : text(most),
    hasBoth ? share(used, most) : '',
    hasBoth ? bar(0, most === 0 ? 0 : used / most) : '',
    by,
  ]
}

function amountOf(limit: string, value: number): string {
  const name = limitNames.find((known) => known === limit)
  return name === undefined ? String(value) : units[limitTable[name].unit](value)
}

/** As many as were busy, on the average of the time in which commands ran. */
function processors(record: RunRecord): number | undefined {
  const { commands } = record
  const time = processorTime(record)
  if (time === undefined) return undefined
  const began = Math.min(...commands.map(({ beganMs }) => beganMs))
  const ended = Math.max(...commands.map(({ beganMs, end }) => beganMs + (end?.durationMs ?? 0)))
  return ended > began ? time / (ended - began) : undefined
}
