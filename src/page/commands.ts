import { commandLine } from '../command/command.ts'
import type { StdioPiece, RecordedCommand, RecordedStdio, RunRecord, UsageSample } from '../recording/run-record.ts'
import { chart, type Point } from './chart.ts'
import { asShown, html, type Markup, nothing } from './html.ts'
import { code, facts, type Row, table } from './document.ts'
import { bytes, digits, duration, verdictOf } from './figures.ts'
import { processTree } from './processes.ts'

/** Each command with its end and its output, the outputs and processes of the session, and its usage over time. */
export function commandsSection(record: RunRecord): Markup {
  const { commands } = record
  if (commands.length === 0) return html`<p>No command was run.</p>`
  return html`${commands.map((command, index) => commandPart(command, commands.length === 1 ? '' : ` ${index + 1}`))}\n${outputsPart(record)}\n${processTree(record)}\n${usageOverTime(record)}`
}

function commandPart(command: RecordedCommand, number: string): Markup {
  const { argv, cwd, beganMs, end, stdio } = command
  const verdict = verdictOf(command)
  return html`<article>
<h3>Command${number}</h3>
<pre class="argv">${commandLine(argv)}</pre>
${facts([
  ['How it ended', html`<strong class="${verdict.isGood ? 'good' : 'bad'}">${verdict.words}</strong>`],
  ...(end === undefined ? [] : [['Took', duration(end.durationMs)] as const]),
  ['Began', `${duration(beganMs)} after the run did`],
  ['In', code(cwd)],
  ...usageOf(command),
])}
${stdioOf(stdio, number)}
</article>`
}

function usageOf({ end }: RecordedCommand): (readonly [string, string])[] {
  if (end?.usage === undefined) return []
  const { userUs, systemUs, maxRssBytes } = end.usage
  return [
    ['Processor time', `${duration(userUs / 1000)} user, ${duration(systemUs / 1000)} system`],
    ['Largest process', bytes(maxRssBytes)],
  ]
}

function stdioOf({ stdout, stderr, head, leftOut, tail }: RecordedStdio, number: string): Markup {
  if (stdout + stderr === 0) return html`<p>It wrote nothing, or nothing that passed through buildjail.</p>`
  const wrote = [stdout > 0 ? `${bytes(stdout)} to stdout` : '', stderr > 0 ? `${bytes(stderr)} to stderr, which is marked` : ''].filter((part) => part !== '').join(' and ')
  return html`<p>It wrote ${wrote}. Times are from the beginning of the run.</p>
<div class="scroll output" role="region" aria-label="Output of command${number}" tabindex="0">
${head.map(pieceOf)}${leftOut === 0 ? undefined : html`<p class="gap">${bytes(leftOut)} are left out here</p>`}${tail.map(pieceOf)}</div>`
}

function pieceOf({ atMs, stream, text }: StdioPiece): Markup {
  const isError = stream === 'stderr'
  return html`<div class="piece${isError ? ' stderr' : ''}"><span class="at">${duration(atMs)}</span><span class="from">${isError ? 'stderr' : ''}</span><pre>${asShown(text)}</pre></div>\n`
}

/** Empty if their content was not recorded. */
function outputsPart({ outputs = [] }: RunRecord): Markup {
  if (outputs.length === 0) return nothing
  const columns = [{ name: 'Output', style: 'code' }, { name: 'Files', style: 'number' }, { name: 'On disk', style: 'number' }] as const
  const rows = outputs.map(({ path, files, bytes: size }): Row => [code(path), String(files), bytes(size)])
  return html`<h3>Outputs</h3>\n${table('The outputs at the end', columns, rows)}`
}

/** More rows than people read are thinned out. */
const mostRows = 40

/** The usage while commands ran, drawn and in figures. Empty if the system counted none, or the run was too short for samples. */
function usageOverTime(record: RunRecord): Markup {
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

/** Averages between samples. The system counts in ticks, so samples that lie close together are merged. */
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
