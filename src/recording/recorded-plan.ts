import { fieldNames, fields } from '../spec/fields.ts'
import type { Plan } from '../spec/plan.ts'
import type { RecordedPlan } from './run-record.ts'

/** The variables that a session has of itself, and those that say what programs print: nobody keeps a secret in these. */
export const openVariables: ReadonlySet<string> = new Set([
  'PATH', 'HOME', 'TMPDIR', 'LC_ALL', 'LANG', 'TZ', 'TERM', 'SOURCE_DATE_EPOCH', 'NO_COLOR', 'FORCE_COLOR',
])

/** @param hasValues of all variables */
export function recordedPlan(plan: Plan, hasValues: boolean): RecordedPlan {
  const { mounts, links, files, devices, env, limits, warnings, leftOut } = plan
  return {
    facts: fieldNames.flatMap((name) => fields[name].facts(plan)).map(([name, text]) => [name ?? '', text ?? '']),
    mounts: mounts.map(({ kind, target, source, writable, size, files: most, entry }) => ({
      kind,
      target,
      ...(source !== undefined && { source }),
      writable,
      ...(size !== undefined && { size }),
      ...(most !== undefined && { files: most }),
      entry,
    })),
    links: links.map(({ path, target }) => ({ path, target })),
    files: files.map(({ path, text, entry }) => ({ path, bytes: Buffer.byteLength(text), entry })),
    devices: devices.map(({ path, kind, entry }) => ({ path, kind, entry })),
    env: Object.entries(env)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => {
        // defence: record-no-value-variable
        const isOpen = hasValues || openVariables.has(name)
        return { name, ...(isOpen && { value }) }
      }),
    limits,
    warnings: warnings.map(({ entry, problem }) => ({ entry, problem })),
    leftOut: leftOut.map(({ entry, path }) => ({ entry, path })),
  }
}
