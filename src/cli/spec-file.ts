import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser'

import { checkCommand } from '../command/command.ts'
import { isBuildjailError } from '../errors.ts'
import { bare } from '../spec/bare.ts'
import { invalid, readList, readString, readText } from '../spec/check.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { readMilliseconds } from '../spec/read-duration.ts'
import { inOneLine, readable } from '../spec/readable.ts'
import { checkedSpec } from '../spec/spec.ts'

/** setTimeout counts up to this. */
const longestTimer = 2 ** 31 - 1

/** Where something stands in a file, counted from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A spec in JSON with comments, with what stands where. */
export class SpecFile {
  /** Checked, with absolute paths of the host. */
  readonly spec: Spec
  readonly command: readonly string[] | undefined
  /** Milliseconds. */
  readonly timeout: number | undefined
  readonly #path: string
  readonly #text: string
  readonly #root: Node

  /**
   * @param file `-` is stdin, whose relative paths are those of the working directory
   * @throws SpecError naming the entry, with the place in the file.
   */
  constructor(file: string) {
    this.#path = file === '-' ? 'stdin' : file
    this.#text = textOf(file)
    this.#root = this.#parsed()
    try {
      const { $schema, command, timeout, ...rest } = valueOf(this.#root) as Readonly<Record<string, unknown>>
      if ($schema !== undefined) readText($schema, '$schema')
      this.command = command === undefined ? undefined : readCommand(command)
      this.timeout = timeout === undefined ? undefined : readMilliseconds(timeout, 'timeout', 0, longestTimer)
      this.spec = rebased(checkedSpec(rest as Spec), file === '-' ? process.cwd() : path.dirname(path.resolve(file)))
    } catch (error) {
      throw placed(error, this.placeOf(entryOf(error)))
    }
  }

  /** The place of an entry of a spec, or of that which it is in. Undefined where the file has nothing of it. */
  placeOf(entry: string): Place | undefined {
    const found = find(this.#root, entry)
    return found === this.#root ? undefined : this.#at(found.offset)
  }

  #parsed(): Node {
    const errors: ParseError[] = []
    const root = parseTree(this.#text, errors, { allowTrailingComma: true })
    const [first] = errors
    if (first !== undefined) throw placed(invalid(this.#path, `is not JSON: ${sentenceOf(first)}`), this.#at(first.offset))
    if (root?.type !== 'object') throw placed(invalid(this.#path, 'must hold an object, { ... }'), this.#at(root?.offset ?? 0))
    const twice = repeated(root)
    if (twice !== undefined) throw placed(invalid(readable(String(twice.value)), 'is there twice'), this.#at(twice.offset))
    return root
  }

  #at(offset: number): Place {
    const before = this.#text.slice(0, offset).split(/\r\n|[\r\n]/)
    return { file: this.#path, line: before.length, column: (before.at(-1) ?? '').length + 1 }
  }
}

/** The same error, which says where what it is about stands. */
export function placed(error: unknown, place: Place | undefined): unknown {
  if (!(error instanceof Error) || place === undefined) return error
  const { file, line, column } = place
  // Where it is about the file as a whole, that is named by the place.
  const name = inOneLine(file)
  const message = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message
  Object.defineProperty(error, 'message', { value: `${name}:${line}:${column}: ${message}` })
  // Not as members: Bun's errors have a line and a column of their own, of the program.
  return Object.assign(error, { place })
}

/** `''` where it is about none. */
export function entryOf(error: unknown): string {
  return isBuildjailError(error) ? (error.entry ?? '') : ''
}

function textOf(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file))
  } catch (error) {
    throw invalid('--file', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

/** As `ValueExpected`: a value is expected. */
function sentenceOf({ error }: ParseError): string {
  const words = printParseErrorCode(error).replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
  return words.endsWith('expected') ? `a ${words.replace(' expected', '')} is missing here` : `here is an ${words}`
}

function readCommand(given: unknown): readonly string[] {
  const words = readList(given, 'command', 'a list of words').map((word, index) => readString(word, `command[${index}]`))
  if (words.length === 0) throw invalid('command', 'must not be empty')
  return checkCommand(words)
}

function rebased(spec: Spec, folder: string): Spec {
  const absolute: Record<string, unknown> = { ...spec }
  for (const name of fieldNames) {
    const { rebase } = fields[name] as { readonly rebase?: (value: unknown, resolve: (source: string) => string) => unknown }
    if (rebase !== undefined && spec[name] !== undefined) absolute[name] = rebase(spec[name], (source) => path.resolve(folder, source))
  }
  return bare(absolute as Spec)
}

/** No name is taken for a property that every object has. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf)
  if (node.type !== 'object') return node.value
  const record = Object.create(null) as Record<string, unknown>
  for (const [key, value] of propertiesOf(node)) record[key.value as string] = valueOf(value)
  return record
}

function propertiesOf(node: Node): [key: Node, value: Node][] {
  return (node.children ?? []).flatMap(({ children }) => (children?.[0] === undefined || children[1] === undefined ? [] : [[children[0], children[1]]]))
}

/** The second key of that name in an object. JSON.parse takes the last one, and people see the first. */
function repeated(node: Node): Node | undefined {
  const names = new Set<unknown>()
  for (const [key, value] of node.type === 'object' ? propertiesOf(node) : []) {
    if (names.has(key.value)) return key
    names.add(key.value)
    const inside = repeated(value)
    if (inside !== undefined) return inside
  }
  for (const child of node.type === 'array' ? (node.children ?? []) : []) {
    const inside = repeated(child)
    if (inside !== undefined) return inside
  }
  return undefined
}

/** As far as the way leads: `inputs.src` is a member in a member, `path[0]` an element. A name can have dots in it. */
function find(node: Node, entry: string, whole: Node = node): Node {
  if (node.type === 'array') {
    const [all = '', index] = /^\[(\d+)\]/.exec(entry) ?? []
    const element = index === undefined ? undefined : node.children?.[Number(index)]
    return element === undefined ? whole : find(element, entry.slice(all.length))
  }
  const rest = entry.startsWith('.') ? entry.slice(1) : entry
  const named = node.type !== 'object' || rest === '' ? [] : propertiesOf(node).filter(([{ value }]) => rest.startsWith(String(value)) && /^([.[]|$)/.test(rest.slice(String(value).length)))
  const [longest] = named.toSorted(([a], [b]) => b.length - a.length)
  if (longest === undefined) return whole
  const [key, value] = longest
  return find(value, rest.slice(String(key.value).length), key)
}
