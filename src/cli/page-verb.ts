import { readFileSync } from 'node:fs'

import { invalid } from '../spec/check.ts'
import { readable } from '../spec/readable.ts'
import type { PageRequest } from './command-line.ts'
import type { Terminal } from './report.ts'

/** `buildjail page`: makes of a record the page that the run would have made of itself. */
export async function pageVerb({ record }: PageRequest, terminal: Terminal): Promise<void> {
  // Not loaded by who makes no page.
  const [{ readRecord }, { pageOf }] = await Promise.all([import('../recording/read-record.ts'), import('../page/page.ts')])
  terminal.out(pageOf(readRecord(textOf(record), record)))
}

/** @throws SpecError when it cannot be read. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(readable(file), `cannot be read: ${(error as Error).message}`, error)
  }
}
