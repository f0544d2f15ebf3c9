import { commandLine } from '../command/command.ts'
import type { OutputPiece, RecordedCommand, RecordedOutput, RunRecord } from '../recording/run-record.ts'
import { html, type Markup } from './html.ts'
import { code, facts } from './table.ts'
import { bytes, duration } from './units.ts'
import { usageOverTime } from './usage.ts'
import { verdictOf } from './verdict.ts'
import { asShown } from './visible.ts'

/** Each command with how it went and what it wrote, and what was used meanwhile. */
export function commandsSection(record: RunRecord): Markup {
  const { commands } = record
  if (commands.length === 0) return html`<p>No command was run.</p>`
  return html`${commands.map((command, index) => commandPart(command, commands.length === 1 ? '' : ` ${index + 1}`))}\n${usageOverTime(record)}`
}

function commandPart(command: RecordedCommand, number: string): Markup {
  const { argv, cwd, beganMs, end, output } = command
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
${outputOf(output, number)}
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

function outputOf({ stdout, stderr, head, leftOut, tail }: RecordedOutput, number: string): Markup {
  if (stdout + stderr === 0) return html`<p>It wrote nothing, or nothing that went by buildjail.</p>`
  const wrote = [stdout > 0 ? `${bytes(stdout)} to stdout` : '', stderr > 0 ? `${bytes(stderr)} to stderr, which is marked` : ''].filter((part) => part !== '').join(' and ')
  return html`<p>It wrote ${wrote}. Times are from the beginning of the run.</p>
<div class="scroll output" role="region" aria-label="Output of command${number}" tabindex="0">
${head.map(pieceOf)}${leftOut === 0 ? undefined : html`<p class="gap">${bytes(leftOut)} are left out here</p>`}${tail.map(pieceOf)}</div>`
}

function pieceOf({ atMs, stream, text }: OutputPiece): Markup {
  const isError = stream === 'stderr'
  return html`<div class="piece${isError ? ' stderr' : ''}"><span class="at">${duration(atMs)}</span><span class="from">${isError ? 'stderr' : ''}</span><pre>${asShown(text)}</pre></div>\n`
}
