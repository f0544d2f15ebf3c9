// The runs that are committed here, and the document that tells of them.
import { existsSync, readFileSync } from 'node:fs'

/** What main.mjs wrote as `<name>.json`, if it did. */
export function keptResults(name) {
  const file = new URL(`${name}.json`, import.meta.url)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

export const performanceDocument = new URL('../../docs/performance.md', import.meta.url)
