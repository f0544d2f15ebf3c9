import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser'

import { checkCommand } from '../command/command.ts'
import { isBuildjailError } from '../errors.ts'
import { bare } from '../spec/plain-data.ts'
import { invalid, readList, readString, readText } from '../spec/check.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { inOneLine, readable } from '../spec/messages.ts'
import { checkedSpec } from '../spec/spec.ts'
import { longestTimer, readMilliseconds } from '../spec/units.ts'
import { bytesOf } from './named-file.ts'

/** A place in a file, counted from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A spec in JSON with comments, which knows the place of each entry. */
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
   * @param file `-` is stdin; its paths are relative to the working directory
   * @throws SpecError naming the entry and its place in the file
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
      throw withPlace(error, this.placeOf(entryOf(error)))
    }
  }

  /** The place of an entry, or of the nearest entry around it. Undefined if the file has neither. */
  placeOf(entry: string): Place | undefined {
    const found = find(this.#root, entry)
    return found === this.#root ? undefined : this.#at(found.offset)
  }

  #parsed(): Node {
    const errors: ParseError[] = []
    const root = parseTree(this.#text, errors, { allowTrailingComma: true })
    const [first] = errors
    if (first !== undefined) throw withPlace(invalid(this.#path, `is not JSON: ${sentenceOf(first, this.#text)}`), this.#at(first.offset))
    if (root?.type !== 'object') throw withPlace(invalid(this.#path, 'must hold an object, { ... }'), this.#at(root?.offset ?? 0))
    const twice = repeated(root)
    if (twice !== undefined) throw withPlace(invalid(readable(String(twice.value)), 'appears twice'), this.#at(twice.offset))
    return root
  }

  #at(offset: number): Place {
    const before = this.#text.slice(0, offset).split(/\r\n|[\r\n]/)
    return { file: this.#path, line: before.length, column: (before.at(-1) ?? '').length + 1 }
  }
}

/** The same error, with the place in front of its message. */
export function withPlace(error: unknown, place: Place | undefined): unknown {
  if (!(error instanceof Error) || place === undefined) return error
  const { file, line, column } = place
  // The place names the file already.
  const name = inOneLine(file)
  const message = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message
  Object.defineProperty(error, 'message', { value: `${name}:${line}:${column}: ${message}` })
  // In one member: Bun's errors have `line` and `column` of the program.
  return Object.assign(error, { place })
}

/** `''` for an error that is about no entry. */
export function entryOf(error: unknown): string {
  return isBuildjailError(error) ? (error.entry ?? '') : ''
}

function textOf(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file === '-' ? readFileSync(0) : bytesOf(file))
  } catch (error) {
    throw invalid('--file', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

/** For `ValueExpected`: a value is missing here. */
function sentenceOf({ error, offset, length }: ParseError, text: string): string {
  const code = printParseErrorCode(error)
  if (code === 'InvalidSymbol') return `${readable(text.slice(offset, offset + length))} is no value or name; names and texts stand in double quotes`
  const words = code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
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

/** Without a prototype, so that a name such as `constructor` finds no inherited property. */
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

/** The second key of the same name in an object. JSON.parse takes the last one, and readers see the first. */
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

/** Follows an entry as far as the file has it: `inputs.src` is a member of a member, `path[0]` an element. A name can contain dots. */
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
