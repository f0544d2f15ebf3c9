import type { RunRecord, UsageSample } from '../recording/run-record.ts'
import { chart, type Point } from './chart.ts'
import { html, nothing, type Markup } from './html.ts'
import { table, type Row } from './table.ts'
import { bytes, digits, duration } from './units.ts'

/** Rows that somebody still reads. */
const mostRows = 40

/** What was used while commands ran, drawn and in figures. Nothing where nobody counted, or the run was too short to look twice. */
export function usageOverTime(record: RunRecord): Markup {
  const { samples, plan } = record
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || samples.length < 3 || last.atMs <= first.atMs) return nothing
  const [from, to] = [first.atMs, last.atMs]
  const common = { from, to, timeText: duration }
  const memory = pointsOf(samples, 'memory')
  const processes = pointsOf(samples, 'processes')
  const busy = busyProcessors(samples)
  return html`<div class="charts">
${busy.length > 1 ? chart({ ...common, title: 'Processors busy', points: busy, text: digits, most: plan.limits.cpus, scale: 'decimal', isStepped: true }) : undefined}
${memory.length > 1 ? chart({ ...common, title: 'Memory', points: memory, text: bytes, most: plan.limits.memory, scale: 'binary', isStepped: false }) : undefined}
${processes.length > 1 ? chart({ ...common, title: 'Processes', points: processes, text: digits, most: plan.limits.processes, scale: 'whole', isStepped: true }) : undefined}
</div>
<details><summary>The same in figures</summary>${figures(samples, busy)}</details>`
}

function pointsOf(samples: readonly UsageSample[], member: 'memory' | 'processes'): Point[] {
  return samples.flatMap((sample) => {
    const value = sample[member]
    return value === undefined ? [] : [{ at: sample.atMs, value }]
  })
}

/** Between each look and the one before. A system counts in ticks, so looks that lie close together are taken together. */
function busyProcessors(samples: readonly UsageSample[]): Point[] {
  const counted = samples.filter((sample): sample is UsageSample & { cpuTime: number } => sample.cpuTime !== undefined)
  const [start] = counted
  if (start === undefined) return []
  const apart = Math.max(100, ((counted.at(-1)?.atMs ?? 0) - start.atMs) / 120)
  const points: Point[] = []
  let before = start
  for (const sample of counted) {
    const passed = sample.atMs - before.atMs
    if (passed < apart && (sample !== counted.at(-1) || passed < apart / 2)) continue
    const value = Math.max(sample.cpuTime - before.cpuTime, 0) / passed
    if (points.length === 0) points.push({ at: before.atMs, value })
    points.push({ at: sample.atMs, value })
    before = sample
  }
  return points
}

const columns = [
  { name: 'After', style: 'number' },
  { name: 'Processor time', style: 'number' },
  { name: 'Processors busy', style: 'number' },
  { name: 'Memory', style: 'number' },
  { name: 'Processes', style: 'number' },
  { name: 'Read', style: 'number' },
  { name: 'Written', style: 'number' },
] as const

function figures(samples: readonly UsageSample[], busy: readonly Point[]): Markup {
  const every = Math.ceil(samples.length / mostRows)
  const said = (value: number | undefined, text: (value: number) => string): string => (value === undefined ? '' : text(value))
  const rows = samples
    .filter((_, index) => index % every === 0 || index === samples.length - 1)
    .map(({ atMs, cpuTime, memory, processes, bytesRead, bytesWritten }): Row => [
      duration(atMs),
      said(cpuTime, duration),
      said(busy.find(({ at }) => at >= atMs)?.value, digits),
      said(memory, bytes),
      said(processes, digits),
      said(bytesRead, bytes),
      said(bytesWritten, bytes),
    ])
  return table('Usage over time', columns, rows)
}
