import { commandLine } from '../command/command.ts'
import type { RunRecord } from '../recording/run-record.ts'
import { commandsSection } from './commands.ts'
import { documentOf, sums, verdict } from './document.ts'
import { environmentSection } from './environment.ts'
import { html } from './html.ts'
import { isolationSection } from './isolation.ts'
import { limitsSection } from './limits.ts'
import { stepsSection } from './steps.ts'
import { code } from './table.ts'
import { treeSection } from './tree.ts'
import { troubles } from './troubles.ts'
import { bytes, duration } from './units.ts'
import { mostMemory, processorTime } from './used.ts'
import { verdictOfRun } from './verdict.ts'

const sections = [
  ['commands', 'Commands', commandsSection],
  ['root', 'The root', treeSection],
  ['limits', 'Limits and usage', limitsSection],
  ['isolation', 'What keeps it apart', isolationSection],
  ['environment', 'Environment', environmentSection],
  ['steps', 'Steps', stepsSection],
] as const

/** One file with everything in it: no script, and nothing that is loaded from elsewhere. The same record gives the same page. */
export function pageOf(record: RunRecord): string {
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
      html`<time datetime="${startedAt}">${began}</time>, session ${code(id)}, ${system.platform} ${system.release} on ${system.arch}`,
    ],
    opening: [sums(figures(record)), troubles(record)],
    sections: sections.map(([name, heading, make]) => ({ name, heading, content: make(record) })),
    madeBy: buildjail,
  })
}

/** The figures that people ask for first. */
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
