import type { RecordedDestination, RunRecord } from '../recording/run-record.ts'
import { code, type Row, table } from './document.ts'
import { bytes } from './figures.ts'
import { html, type Markup, nothing } from './html.ts'

const columns = [
  { name: 'Destination', style: 'code' },
  { name: 'Connections', style: 'number' },
  { name: 'Sent', style: 'number' },
  { name: 'Received', style: 'number' },
  { name: 'Went wrong' },
] as const

/** The meaning of each outcome but `closed`. */
const wrong: Readonly<Record<string, string>> = {
  reset: 'reset',
  timeout: 'not answered',
  refused: 'refused by the server',
  unreachable: 'unreachable',
  unresolved: 'name not resolved',
  private: 'name of a private address',
  'tls-name': 'not TLS to that name',
  limit: 'no socket left on the host',
}

/** The connections and refusals of the session. Empty if its network was not one of names. */
export function networkSection({ network }: RunRecord): Markup {
  if (network === undefined) return nothing
  const { destinations, refused, leftOut = 0 } = network
  return html`${destinations.length === 0 ? html`<p>It connected to nothing.</p>` : table('What the session connected to', columns, destinations.map(rowOf))}
${refused.length === 0 ? undefined : html`<h3>Refused names</h3>
${table('Names that were refused', [{ name: 'Name', style: 'code' }, { name: 'Times', style: 'number' }], refused.map(({ name, count }): Row => [name === '' ? html`<em>others</em>` : code(name), String(count)]))}`}
${leftOut === 0 ? undefined : html`<p>${leftOut} more events are left out, because there were too many names.</p>`}`
}

function rowOf({ name, port, connections, sent, received, outcomes }: RecordedDestination): Row {
  const troubles = Object.entries(outcomes).filter(([outcome]) => outcome !== 'closed')
  const words = troubles.map(([outcome, count]) => `${count} ${Object.hasOwn(wrong, outcome) ? wrong[outcome] : outcome}`)
  return [code(`${name.includes(':') ? `[${name}]` : name}:${port}`), String(connections), bytes(sent), bytes(received), words.join(', ')]
}
