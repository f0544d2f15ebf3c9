// The text of a .drv file: one ATerm, of strings, lists and tuples, without white space.
//   Derive(outputs,inputDrvs,inputSrcs,system,builder,args,env)
import { DerivationError } from './errors.mjs'
import { byBytes } from './order.mjs'

/**
 * @typedef {object} Output
 * @property {string} path empty in what is hashed for it
 * @property {string} method of a fixed output: `sha256`, or `r:sha256` of its NAR; else empty
 * @property {string} hash of a fixed output, in hexadecimal; else empty
 *
 * @typedef {object} Derivation
 * @property {ReadonlyMap<string, Output>} outputs by name
 * @property {ReadonlyMap<string, readonly string[]>} inputDrvs names of outputs by the path of the .drv file
 * @property {readonly string[]} inputSrcs store paths
 * @property {string} system
 * @property {string} builder
 * @property {readonly string[]} args
 * @property {ReadonlyMap<string, string>} env
 */

const escapes = new Map([['\n', String.raw`\n`], ['\r', String.raw`\r`], ['\t', String.raw`\t`], ['"', String.raw`\"`], ['\\', String.raw`\\`]])
const escaped = new Map([['n', '\n'], ['r', '\r'], ['t', '\t'], ['"', '"'], ['\\', '\\']])

const string = (/** @type {string} */ text) => `"${text.replace(/[\n\r\t"\\]/g, (found) => escapes.get(found) ?? found)}"`
const list = (/** @type {readonly string[]} */ items) => `[${items.join(',')}]`
const tuple = (/** @type {readonly string[]} */ items) => `(${items.join(',')})`
const strings = (/** @type {readonly string[]} */ items) => list(items.map(string))
const sorted = (/** @type {readonly string[]} */ items) => [...items].sort(byBytes)

/**
 * @template Value
 * @param {ReadonlyMap<string, Value>} map
 * @param {(value: Value) => readonly string[]} rest of an entry, behind its key
 */
function entries(map, rest) {
  return list(sorted([...map.keys()]).map((key) => tuple([string(key), ...rest(/** @type {Value} */ (map.get(key)))])))
}

/**
 * The one text of a derivation: its maps and sets are in order.
 * @param {Derivation} derivation
 * @returns {string}
 */
export function writeDerivation({ outputs, inputDrvs, inputSrcs, system, builder, args, env }) {
  return `Derive${tuple([
    entries(outputs, ({ path, method, hash }) => [path, method, hash].map(string)),
    entries(inputDrvs, (names) => [strings(sorted(names))]),
    strings(sorted(inputSrcs)),
    string(system),
    string(builder),
    strings(args),
    entries(env, (value) => [string(value)]),
  ])}`
}

/**
 * @param {string} text
 * @returns {Derivation}
 * @throws DerivationError
 */
export function readDerivation(text) {
  const reader = new Reader(text)
  reader.expect('Derive(')
  const outputs = reader.map('outputs', () => ({ path: reader.field(), method: reader.field(), hash: reader.field() }))
  reader.expect(',')
  const inputDrvs = reader.map('input derivations', () => {
    reader.expect(',')
    return reader.set('outputs of an input')
  })
  reader.expect(',')
  const inputSrcs = reader.set('input sources')
  const [system, builder] = [reader.field(), reader.field()]
  reader.expect(',')
  const args = reader.list(() => reader.string())
  reader.expect(',')
  const env = reader.map('environment', () => reader.field())
  reader.expect(')')
  reader.end()
  return { outputs, inputDrvs, inputSrcs, system, builder, args, env }
}

class Reader {
  #text
  #at = 0

  /** @param {string} text */
  constructor(text) {
    this.#text = text
  }

  /**
   * @param {string} problem
   * @returns {never}
   */
  #refuse(problem) {
    throw new DerivationError(`${problem}, at character ${this.#at}`)
  }

  /** @param {string} token */
  expect(token) {
    if (!this.#text.startsWith(token, this.#at)) {
      this.#refuse(this.#at + token.length > this.#text.length ? `it ends where ${token} should be` : `${token} is missing`)
    }
    this.#at += token.length
  }

  end() {
    if (this.#at !== this.#text.length) this.#refuse('there is more after its end')
  }

  /** A string behind a comma. */
  field() {
    this.expect(',')
    return this.string()
  }

  /** @returns {string} */
  string() {
    this.expect('"')
    let content = ''
    for (;;) {
      const rest = /[^"\\\0]*/y
      rest.lastIndex = this.#at
      content += rest.exec(this.#text)?.[0] ?? ''
      this.#at = rest.lastIndex
      const stop = this.#text[this.#at]
      if (stop === undefined) this.#refuse('it ends inside of a string')
      if (stop === '\0') this.#refuse('a string holds a NUL character')
      this.#at += 1
      if (stop === '"') return content
      const character = escaped.get(this.#text[this.#at] ?? '')
      if (character === undefined) this.#refuse('no such escape')
      content += character
      this.#at += 1
    }
  }

  /**
   * @template Item
   * @param {() => Item} item reads one
   * @returns {Item[]}
   */
  list(item) {
    /** @type {Item[]} */
    const items = []
    this.expect('[')
    while (this.#text[this.#at] !== ']') {
      if (items.length > 0) this.expect(',')
      items.push(item())
    }
    this.expect(']')
    return items
  }

  /**
   * Strings that ascend, so that none is there twice.
   * @param {string} what
   */
  set(what) {
    const items = this.list(() => this.string())
    this.#ascending(items, what)
    return items
  }

  /**
   * @template Value
   * @param {string} what
   * @param {() => Value} value reads what stands behind a key
   * @returns {Map<string, Value>}
   */
  map(what, value) {
    const items = this.list(() => {
      this.expect('(')
      const item = /** @type {const} */ ([this.string(), value()])
      this.expect(')')
      return item
    })
    this.#ascending(items.map(([key]) => key), what)
    return new Map(items)
  }

  /**
   * @param {readonly string[]} items
   * @param {string} what
   */
  #ascending(items, what) {
    for (const [index, item] of items.entries()) {
      const before = items[index - 1]
      if (before === undefined || byBytes(before, item) < 0) continue
      this.#refuse(before === item ? `${what}: ${JSON.stringify(item)} is there twice` : `${what}: ${JSON.stringify(item)} is out of order`)
    }
  }
}
