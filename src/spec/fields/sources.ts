import { InvalidNameError } from '../../spec-errors.ts'
import { readRecord, readText } from '../check.ts'
import type { JsonSchema } from '../field.ts'

/** Sources by name or by target, as `inputs` and `outputs` have them. */
export type Sources = Readonly<Record<string, string>>

export function readSources(given: unknown, entry: string): Sources {
  const sources: [string, string][] = []
  for (const [key, source] of Object.entries(readRecord(given, entry))) {
    const isName = key !== '' && key !== '.' && key !== '..' && !key.includes('/')
    if (key.includes('\0') || !(isName || key.startsWith('/'))) {
      throw new InvalidNameError(
        `${entry}.${key}`,
        'a name is one path component: not empty, ".", ".." or holding "/" or NUL; an absolute target starts with "/"',
      )
    }
    sources.push([key, readText(source, `${entry}.${key}`)])
  }
  return Object.fromEntries(sources)
}

/** A key that starts with `/` is the target itself; any other key is a name in the folder. */
export function targetOf(key: string, folder: string): string {
  return key.startsWith('/') ? key : `${folder}/${key}`
}

export const sourcesSchema: JsonSchema = {
  type: 'object',
  propertyNames: { pattern: String.raw`^(?!\.{0,2}$)(?:[^/\0]+|/[^\0]*)$` },
  additionalProperties: { type: 'string', pattern: String.raw`^[^\0]+$` },
}
