import type { RunRecord } from '../recording/run-record.ts'
import { html, type Markup } from './html.ts'
import { code, table, type Row } from './table.ts'

/** The variables that each command begins with. A value that was not recorded is not here either. */
export function environmentSection({ plan: { env } }: RunRecord): Markup {
  const columns = [{ name: 'Name', style: 'code' }, { name: 'Value' }] as const
  const rows = env.map(({ name, value }): Row => [name, value === undefined ? html`<em>set, not recorded</em>` : code(value)])
  const isLeftOut = env.some(({ value }) => value === undefined)
  return html`${isLeftOut ? html`<p>Values that may be secrets are not recorded.</p>` : undefined}\n${table('Environment', columns, rows)}`
}
