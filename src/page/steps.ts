import type { RecordedStep, RunRecord } from '../recording/run-record.ts'
import { bar } from './bar.ts'
import { html, type Markup } from './html.ts'
import { code, table, type Row } from './table.ts'
import { duration } from './units.ts'

const columns = [
  { name: 'Step', style: 'code' },
  { name: 'Path', style: 'code' },
  { name: 'After', style: 'number' },
  { name: 'Took', style: 'number' },
  { name: 'Drawn', style: 'wide', isUnnamed: true },
] as const

/** The run from its opening to its closing, and the steps of both, each on a scale of its own. */
export function stepsSection({ steps, openedMs, closingMs, closedMs }: RunRecord): Markup {
  const parts = [
    ['Opening', 0, openedMs],
    ['In use', openedMs, closingMs],
    ['Closing', closingMs, closedMs],
  ] as const
  const rows = parts.map(([name, from, to]): Row => [name, duration(Math.max(to - from, 0)), bar(from / closedMs, (to - from) / closedMs)])
  const whole = table('The run as a whole', [{ name: 'Part' }, { name: 'Took', style: 'number' }, { name: 'Drawn', style: 'wide', isUnnamed: true }], rows)
  return html`${whole}\n${phaseOf('Opening', steps.filter(({ phase }) => phase === 'open'))}\n${phaseOf('Closing', steps.filter(({ phase }) => phase === 'close'))}`
}

/** One after the other. */
function phaseOf(name: string, steps: readonly RecordedStep[]): Markup {
  const whole = steps.reduce((sum, { ns }) => sum + ns, 0)
  let before = 0
  const rows = steps.map(({ step, path, ns }): Row => {
    const after = before
    before += ns
    return [step, path === undefined ? '' : code(path), duration(after / 1e6), duration(ns / 1e6), bar(after / whole, ns / whole)]
  })
  if (rows.length === 0) return html`<p>No step of ${name.toLowerCase()} is in the record.</p>`
  return html`<details open><summary><h3>${name}: ${rows.length} ${rows.length === 1 ? 'step' : 'steps'} in ${duration(whole / 1e6)}</h3></summary>
${table(`Steps of ${name.toLowerCase()}`, columns, rows)}</details>`
}
