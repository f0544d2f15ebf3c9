import { fieldNames, fields } from './fields.ts'
import type { Mount, Plan } from './plan-types.ts'
import { inOneLine, readable } from './messages.ts'
import { sizeText } from './units.ts'

/** A plan for people. The same plan for programs is its JSON. */
export function planText(plan: Plan, heading: (title: string) => string = (title) => title): string {
  const section = (title: string, rows: readonly (readonly string[])[]): string => `${heading(title)}\n${aligned(rows, '  ')}`
  const facts = [['system', plan.platform], ...fieldNames.flatMap((name) => fields[name].facts(plan).map(([fact, value]) => [fact, inOneLine(value)]))]
  const mounts = plan.mounts.map((mount) => [
    mount.kind,
    mount.writable ? 'rw' : 'ro',
    readable(mount.target),
    sourceOf(mount),
    readable(mount.entry),
  ])
  const links = plan.links.map(({ path, target }) => [readable(path), '->', readable(target)])
  const environment = Object.entries(plan.env).map(([name, value]) => [`${readable(name)}=${readable(value)}`])
  return [
    aligned(facts),
    section('mounts', [['kind', 'access', 'target', 'source', 'asked for by'], ...mounts]),
    ...(links.length === 0 ? [] : [section('links', links)]),
    section('environment', environment),
    ...(plan.leftOut.length === 0 ? [] : [section('left out, as they are not there', plan.leftOut.map(({ entry, path }) => [readable(entry), readable(path)]))]),
    ...(plan.warnings.length === 0 ? [] : [section('warnings', plan.warnings.map(({ entry, problem }) => [readable(entry), inOneLine(problem)]))]),
  ].join('\n')
}

/** Columns as wide as their widest cell, two spaces apart. */
function aligned(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  return rows.map((row) => `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd() + '\n').join('')
}

function sourceOf({ source, size }: Mount): string {
  if (source !== undefined) return readable(source)
  return size === undefined ? '-' : `at most ${sizeText(size)}`
}
