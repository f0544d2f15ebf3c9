import type { RunRecord } from '../recording/run-record.ts'
import type { PlanLimits } from '../spec/plan.ts'
import { bar } from './bar.ts'
import { html, type Markup } from './html.ts'
import { table, type Row } from './table.ts'
import { bytes, digits, duration, share } from './units.ts'
import { mostMemory, mostOf, processorTime } from './used.ts'

interface Kind {
  readonly name: Exclude<keyof PlanLimits, 'policy'>
  readonly label: string
  readonly text: (value: number) => string
  /** What was used of it; undefined where nobody counts it. */
  readonly used: (record: RunRecord) => number | undefined
  /** Shown without a limit as well. */
  readonly isAlways: boolean
}

const number = (value: number): string => digits(value)

const kinds: readonly Kind[] = [
  { name: 'memory', label: 'Memory', text: bytes, used: mostMemory, isAlways: true },
  { name: 'swap', label: 'Swap', text: bytes, used: (record) => mostOf(record, 'swap'), isAlways: false },
  { name: 'processes', label: 'Processes at a time', text: number, used: (record) => record.usage?.peakProcesses ?? mostOf(record, 'processes'), isAlways: true },
  { name: 'cpus', label: 'Processors', text: number, used: processors, isAlways: true },
  { name: 'cpuTime', label: 'Processor time', text: duration, used: processorTime, isAlways: true },
  { name: 'wallTime', label: 'Time from opening to closing', text: duration, used: ({ openedMs, closingMs }) => Math.max(closingMs - openedMs, 0), isAlways: true },
  { name: 'output', label: 'Output of a command', text: bytes, used: ({ commands }) => Math.max(0, ...commands.map(({ output }) => output.stdout + output.stderr)), isAlways: true },
  { name: 'openFiles', label: 'Open files of a process', text: number, used: () => undefined, isAlways: false },
  { name: 'fileSize', label: 'Size of a file', text: bytes, used: () => undefined, isAlways: false },
]

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
  const rows = kinds.flatMap(({ name, label, text, used, isAlways }): Row[] => {
    const most = plan.limits[name]
    const found = used(record)
    if (most === undefined && (!isAlways || found === undefined)) return []
    const by = most === undefined ? '' : (held.get(name) ?? (kernel === undefined ? '' : 'nobody'))
    return [rowOf(label, found, most, text, by)]
  })
  const memories = filled.map(({ target, used, size }) => rowOf(`In ${target}, in the end`, used, size, bytes, 'tmpfs'))
  const near = nearLimits.map(({ atMs, limit, used, most }) => html`<li>${duration(atMs)}: ${limit} was nearly reached, ${amountOf(limit, used)} of ${amountOf(limit, most)}.</li>`)
  return html`<p>${usage?.by === undefined ? 'Nobody counted what all of its processes took together.' : `What all of its processes took together is counted by ${usage.by}.`}</p>
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
  return kinds.find(({ name }) => name === limit)?.text(value) ?? String(value)
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
