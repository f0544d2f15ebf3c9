import { commandLine } from '../command/command.ts'
import { checkedRecord, readRecord } from '../recording/read-record.ts'
import type { RecordedStep, RunRecord } from '../recording/run-record.ts'
import { bar } from './chart.ts'
import { commandsSection } from './commands.ts'
import { code, documentOf, type Row, sums, table, verdict } from './document.ts'
import { filesSection } from './files.ts'
import { asShown, html, type Markup, nothing } from './html.ts'
import { isolationSection } from './isolation.ts'
import { limitsSection } from './limits.ts'
import { networkSection } from './network.ts'
import { treeSection } from './tree.ts'
import { bytes, duration, mostMemory, processorTime, verdictOf, verdictOfRun } from './figures.ts'

const sections = [
  ['commands', 'Commands', commandsSection],
  ['root', 'The root', treeSection],
  ['files', 'Files', filesSection],
  ['limits', 'Limits and usage', limitsSection],
  ['network', 'Network', networkSection],
  ['isolation', 'What keeps it apart', isolationSection],
  ['environment', 'Environment', environmentSection],
  ['steps', 'Steps', stepsSection],
] as const

/**
 * The page of a record in JSON.
 * @param name of the record, for the error
 * @throws SpecError naming the record and the member that is wrong
 */
export function pageOfJson(json: string, name: string): string {
  return pageOfChecked(readRecord(json, name))
}

/**
 * The page of a run, as `buildjail run --page` writes it: HTML that loads nothing and runs nothing. The same record gives the same page.
 * @param record as `buildjail run --record` writes it, read from JSON
 * @throws SpecError naming the member that is wrong
 */
export function pageOf(record: RunRecord): string {
  return pageOfChecked(checkedRecord(record, 'record'))
}

/** Of a record that was checked. */
export function pageOfChecked(record: RunRecord): string {
  const { commands, system, startedAt, id, buildjail } = record
  const { words, isGood } = verdictOfRun(record)
  const [first] = commands
  const title = shortened(first === undefined ? `session ${id}` : commandLine(first.argv))
  const began = `${startedAt.slice(0, 10)} ${startedAt.slice(11, 19)} UTC`
  return documentOf({
    title: `${title}: ${words}`,
    heading: commands.length > 1 ? `${commands.length} commands in session ${id}` : code(title),
    intro: [
      verdict(words, isGood),
      ...reasons(record),
      html`<time datetime="${startedAt}">${began}</time>, session ${code(id)}, ${system.platform} ${system.release} on ${system.arch}`,
    ],
    opening: [sums(figures(record)), troubles(record)],
    sections: sections.map(([name, heading, make]) => ({ name, heading, content: make(record) })).filter(({ content }) => content !== nothing),
    madeBy: buildjail,
  })
}

/** Why commands failed: what their session did, or else the last line that the last of them wrote to stderr. */
function reasons({ commands }: RunRecord): readonly Markup[] {
  const hints = commands.flatMap(({ hints: some = [] }) => some).map(({ problem, remedy }) => html`<strong class="bad">Why</strong> ${problem}. Remedy: ${remedy}`)
  const failed = commands.findLast((command) => !verdictOf(command).isGood)
  if (hints.length > 0 || failed === undefined) return hints
  const { head, tail } = failed.stdio
  const lines = [...head, ...tail].filter(({ stream }) => stream === 'stderr').flatMap(({ text }) => text.split('\n'))
  const last = lines.findLast((line) => line.trim() !== '')
  return last === undefined ? [] : [html`<strong class="bad">Last on stderr</strong> <code>${asShown(last.length > mostOfLine ? `${[...last].slice(0, mostOfLine).join('')}…` : last)}</code>`]
}

const mostOfLine = 300

function figures(record: RunRecord): (readonly [string, string])[] {
  const { closedMs, openedMs, closingMs, commands } = record
  const took = commands.reduce((sum, { end }) => sum + (end?.durationMs ?? 0), 0)
  const time = processorTime(record)
  const memory = mostMemory(record)
  return [
    [commands.length === 1 ? 'Command' : 'Commands', duration(took)],
    ['Opening', duration(openedMs)],
    ['Closing', duration(Math.max(closedMs - closingMs, 0))],
    ...(time === undefined ? [] : [['Processor time', duration(time)] as const]),
    ...(memory === undefined ? [] : [['Memory at most', bytes(memory)] as const]),
  ]
}

function shortened(text: string): string {
  const most = 100
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= most ? line : `${[...line].slice(0, most).join('')}…`
}

/** Errors, warnings and what was left. Empty if there are none. */
function troubles({ errors, leftInOutputs, kept, plan: { warnings, leftOut } }: RunRecord): Markup {
  const items = [
    ...errors.map(({ code: name, message }) => html`<li><strong class="bad">Error</strong> ${name === undefined ? undefined : html`${code(name)} `}${message}</li>\n`),
    ...(kept === undefined ? [] : [html`<li><strong>Kept</strong> a copy of what the failed command left is in ${code(kept)}</li>\n`]),
    ...leftInOutputs.map(({ path, what }) => html`<li><strong>Left in an output</strong> ${code(path)}: ${what}</li>\n`),
    ...warnings.map(({ entry, problem }) => html`<li><strong>Warning</strong> ${code(entry)}: ${problem}</li>\n`),
    ...leftOut.map(({ entry, path }) => html`<li><strong>Left out</strong> ${code(path)} of ${code(entry)}, because it is missing</li>\n`),
  ]
  return items.length === 0 ? nothing : html`<section><h2 id="troubles">To be noted</h2><ul>${items}</ul></section>`
}

/** The variables that each command begins with, and the recorded values. */
function environmentSection({ plan: { env } }: RunRecord): Markup {
  const columns = [{ name: 'Name', style: 'code' }, { name: 'Value' }] as const
  const rows = env.map(({ name, value }): Row => [name, value === undefined ? html`<em>set, not recorded</em>` : code(value)])
  const isLeftOut = env.some(({ value }) => value === undefined)
  return html`${isLeftOut ? html`<p>Values that may be secrets are not recorded.</p>` : undefined}\n${table('Environment', columns, rows)}`
}

const stepColumns = [
  { name: 'Step', style: 'code' },
  { name: 'Path', style: 'code' },
  { name: 'After', style: 'number' },
  { name: 'Took', style: 'number' },
  { name: 'Drawn', style: 'wide', isUnnamed: true },
] as const

/** The run from opening to closing, and the steps of both, each on a scale of its own. */
function stepsSection({ steps, openedMs, closingMs, closedMs }: RunRecord): Markup {
  const parts = [
    ['Opening', 0, openedMs],
    ['In use', openedMs, closingMs],
    ['Closing', closingMs, closedMs],
  ] as const
  const rows = parts.map(([name, from, to]): Row => [name, duration(Math.max(to - from, 0)), bar(from / closedMs, (to - from) / closedMs)])
  const whole = table('The run as a whole', [{ name: 'Part' }, { name: 'Took', style: 'number' }, { name: 'Drawn', style: 'wide', isUnnamed: true }], rows)
  return html`${whole}\n${phaseOf('Opening', steps.filter(({ phase }) => phase === 'open'))}\n${phaseOf('Closing', steps.filter(({ phase }) => phase === 'close'))}`
}

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
${table(`Steps of ${name.toLowerCase()}`, stepColumns, rows)}</details>`
}
