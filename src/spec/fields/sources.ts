import { SpecError } from '../../errors.ts'
import { bare } from '../plain-data.ts'
import { invalid, marked, readList, readRecord, readText } from '../check.ts'
import type { JsonSchema } from '../field.ts'
import { readable } from '../messages.ts'

/** A path of the host, alone or with options. */
export type Source = string | SourceOptions

export interface SourceOptions {
  readonly path: string
  /** True: if the host has no such path, it is left out, and `plan.leftOut` lists it. Default: false, the plan is refused. */
  readonly optional?: boolean
}

/** The source of an input: a path of the host, alone or with options. */
export type InputSource = string | InputOptions

export interface InputOptions extends SourceOptions {
  /**
   * True: the build may write in the folder. No change reaches the source, unless `Session.applyChanges` makes it there, and all changes are lost with the
   * session. Files of the source's owner belong to the build user there, also those that are closed to others. On Linux this is overlayfs: what is written, and
   * each file that is changed, is in memory, and takes room of /tmp (`limits.tmpSize`, `limits.tmpFiles`). On FreeBSD, and on Linux if overlayfs cannot have
   * the folder, the session copies all of it into memory when it opens. The copy has as much room as /tmp; if that is too little, nothing runs (ENOSPC). On
   * Linux `session.plan.warnings` says why it is a copy. Default: false, it is read-only.
   */
  readonly overlay?: boolean
  /**
   * Paths of the folder that the build does not see, such as `.env*` or `dist/`: something empty is in their place. `*` and `?` stand for characters of a name,
   * and the name `**` for any number of folders. A path that ends in a slash matches folders only; if it has no wildcard and is missing, the folder is made.
   * Paths match what exists when the plan is made, and a link stands for what it leads to; a name that is not UTF-8 and that could match is refused. An
   * excluded path is not part of the input: another session may write there meanwhile.
   */
  readonly exclude?: readonly string[]
}

/** Values by name or by target, as in `inputs` and `outputs`. */
export type ByName<Value> = Readonly<Record<string, Value>>

export function readByName<Value>(given: unknown, entry: string, read: (given: unknown, entry: string) => Value): ByName<Value> {
  const values: [string, Value][] = []
  for (const [key, value] of Object.entries(readRecord(given, entry))) {
    const isName = key !== '' && key !== '.' && key !== '..' && !key.includes('/')
    if (key.includes('\0') || !(isName || key.startsWith('/'))) {
      throw new SpecError(
        'ERR_BUILDJAIL_INVALID_NAME',
        `${entry}.${key}`,
        'a name is one path component: not empty, ".", ".." or holding "/" or NUL; an absolute target starts with "/"',
      )
    }
    values.push([key, read(value, `${entry}.${key}`)])
  }
  return Object.fromEntries(values)
}

/** The same names with other values. */
export function rebasedByName<Value>(values: ByName<Value>, change: (value: Value) => Value): ByName<Value> {
  return bare<ByName<Value>>(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)])))
}

/** @throws SpecError naming the entry */
export function readSource(given: unknown, entry: string): Source {
  return readWith(given, entry, ['optional'])
}

/** @throws SpecError naming the entry */
export function readInputSource(given: unknown, entry: string): InputSource {
  if (typeof given !== 'object' || given === null) return readText(given, entry)
  const { exclude, ...rest } = readRecord(given, entry)
  const source = readWith(rest, entry, ['optional', 'overlay'])
  return exclude === undefined ? source : bare({ ...(source as InputOptions), exclude: readPatterns(exclude, `${entry}.exclude`) })
}

/** @throws SpecError naming the pattern */
export function readPatterns(given: unknown, entry: string): readonly string[] {
  return readList(given, entry, "a list of paths in the folder, such as ['.env*', 'dist/']").map((one, index) => {
    const pattern = readText(one, `${entry}[${index}]`)
    const names = pattern.replace(/\/$/, '').split('/')
    const place = entry.startsWith('--') ? `${entry} ${readable(pattern)}` : `${entry}[${index}]`
    const written = entry.startsWith('--') ? '' : `${readable(pattern)} `
    if (names.some((name) => name === '' || name === '.' || name === '..')) throw invalid(place, `${written}must be relative to the input: without a slash in front, an empty part, "." or ".."`)
    if (names.at(-1) === '**') throw invalid(place, `${written}fits all of the folder`)
    return pattern
  })
}

/**
 * The path of a folder that the build writes to and that is kept.
 * @throws SpecError naming the entry
 */
export function readKeptPath(given: unknown, entry: string): string {
  if (typeof given === 'object' && given !== null) throw invalid(entry, 'must be a path: what is written there is kept, and only an input can be optional or an overlay')
  return readText(given, entry)
}

function readWith<Name extends 'optional' | 'overlay'>(given: unknown, entry: string, names: readonly Name[]): string | ({ readonly path: string } & { readonly [Key in Name]?: boolean }) {
  if (typeof given !== 'object' || given === null) return readText(given, entry)
  const record = readRecord(given, entry)
  // As of a URL.
  if (!Object.hasOwn(record, 'path')) throw invalid(entry, 'must be a path or { path }')
  for (const key of Object.keys(record)) {
    if (key === 'overlay' && !names.includes(key as Name)) throw invalid(`${entry}.${key}`, 'is for inputs: nothing else can be an overlay')
    if (key !== 'path' && !names.includes(key as Name)) throw invalid(`${entry}.${key}`, `is not a field of a source; there are ${['path', ...names].join(', ')}`)
  }
  const options: Record<string, unknown> = { path: readText(record['path'], `${entry}.path`) }
  for (const name of names) {
    const value = Object.hasOwn(record, name) ? record[name] : undefined
    if (value === undefined) continue
    if (typeof value !== 'boolean') throw invalid(`${entry}.${name}`, 'must be true or false')
    options[name] = value
  }
  return bare(options as { readonly path: string } & { readonly [Key in Name]?: boolean })
}

/** An optional source on the command line: its name ends in a question mark. */
export function optionalFrom(text: string): { readonly name: string; readonly isOptional: boolean } {
  const isOptional = text.length > 1 && text.endsWith('?')
  return { name: isOptional ? text.slice(0, -1) : text, isOptional }
}

/** An input on the command line: its name ends in a question mark if it is optional, and in a tilde if it is an overlay. */
export function inputFrom(text: string, path: string): { readonly name: string; readonly source: InputSource } {
  const [, name = text, marks = ''] = marked.exec(text) ?? []
  if (marks === '') return { name, source: path }
  return { name, source: { path, ...(marks.includes('?') ? { optional: true } : {}), ...(marks.includes('~') ? { overlay: true } : {}) } }
}

/** A key that starts with `/` is the target itself; any other key is a name in the folder. */
export function targetOf(key: string, folder: string): string {
  return key.startsWith('/') ? key : `${folder}/${key}`
}

const pathSchema: JsonSchema = { type: 'string', pattern: String.raw`^[^\0]+$` }

const optionsSchema = (...names: readonly string[]): JsonSchema => ({
  type: 'object',
  properties: { path: pathSchema, ...Object.fromEntries(names.map((name) => [name, { enum: [true, false] }])) },
  required: ['path'],
  additionalProperties: false,
})

export const sourceSchema: JsonSchema = { anyOf: [pathSchema, optionsSchema('optional')] }

export const inputSchema: JsonSchema = { anyOf: [pathSchema, withPatterns(optionsSchema('optional', 'overlay'))] }

function withPatterns(schema: JsonSchema): JsonSchema {
  return { ...schema, properties: { ...(schema['properties'] as JsonSchema), exclude: { type: 'array', items: pathSchema } } }
}

export function byNameSchema(value: JsonSchema = pathSchema): JsonSchema {
  return { type: 'object', propertyNames: { pattern: String.raw`^(?!\.{0,2}$)(?:[^/\0]+|/[^\0]*)$` }, additionalProperties: value }
}
