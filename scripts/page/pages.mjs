// The pages that are looked at: of the records that the unit tests have, and of a run on this machine where there can be one.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { loadSource } from '../load-source.mjs'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const cli = path.join(root, 'dist', 'cli', 'main.cjs')

/** Of a record, as an object. */
export async function pageMaker() {
  return (await loadSource("export { pageOf } from './src/page/page.ts'")).pageOf
}

/** `[name, page]` of each. */
export async function knownPages() {
  const { pageOf, ...records } = await loadSource("export { pageOf } from './src/page/page.ts'; export * from './test/unit/page-records.ts'")
  const { pageOfReport, report } = await loadSource("export { pageOfReport } from './conformance/src/page.ts'; export { report } from './conformance/test/sample-report.ts'")
  return [...Object.entries(records).map(([name, record]) => [name, pageOf(record)]), ['a report of conformance', pageOfReport(report, '1')]]
}

/**
 * The record of a run, as text.
 * @param args of `buildjail run`
 */
export function recordOf(args, options = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-page-'))
  try {
    const file = path.join(folder, 'record.json')
    const { status, stderr } = spawnSync(process.execPath, [cli, 'run', '--record', file, ...args], { encoding: 'utf8', ...options })
    if (status !== 0) throw new Error(`buildjail run ended with ${status}: ${stderr}`)
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function canRun() {
  return spawnSync(process.execPath, [cli, 'doctor']).status === 0
}
