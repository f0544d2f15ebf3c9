// The text of a .drv file: one ATerm, of strings, lists and tuples, without white space.
//   Derive(outputs,inputDrvs,inputSrcs,system,builder,args,env)
import { DerivationError } from './errors.ts'
import { byBytes } from './order.ts'

export interface Output {
  /** Empty in what is hashed for it. */
  readonly path: string
  /** Of a fixed output: the name of a hash, or `r:` and that, if it is the hash of its NAR; else empty. */
  readonly method: string
  /** Of a fixed output, in hexadecimal; else empty. */
  readonly hash: string
}

export interface Derivation {
  /** By name. */
  readonly outputs: ReadonlyMap<string, Output>
  /** Names of outputs by the path of the .drv file. */
  readonly inputDrvs: ReadonlyMap<string, readonly string[]>
  /** Store paths. */
  readonly inputSrcs: readonly string[]
  readonly system: string
  readonly builder: string
  readonly args: readonly string[]
  readonly env: ReadonlyMap<string, string>
}

const escapes = new Map([['\n', String.raw`\n`], ['\r', String.raw`\r`], ['\t', String.raw`\t`], ['"', String.raw`\"`], ['\\', String.raw`\\`]])
const escaped = new Map([['n', '\n'], ['r', '\r'], ['t', '\t'], ['"', '"'], ['\\', '\\']])

const string = (text: string): string => `"${text.replace(/[\n\r\t"\\]/g, (found) => escapes.get(found) ?? found)}"`
const list = (items: readonly string[]): string => `[${items.join(',')}]`
const tuple = (items: readonly string[]): string => `(${items.join(',')})`
const strings = (items: readonly string[]): string => list(items.map(string))
const sorted = (items: readonly string[]): string[] => [...items].sort(byBytes)

/** @param rest of an entry, behind its key */
function entries<Value>(map: ReadonlyMap<string, Value>, rest: (value: Value) => readonly string[]): string {
  return list([...map].sort(([one], [other]) => byBytes(one, other)).map(([key, value]) => tuple([string(key), ...rest(value)])))
}

/** The one text of a derivation: its maps and sets are in order. */
export function writeDerivation({ outputs, inputDrvs, inputSrcs, system, builder, args, env }: Derivation): string {
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

/** @throws DerivationError */
export function readDerivation(text: string): Derivation {
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
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  #refuse(problem: string): never {
    throw new DerivationError(`${problem}, at character ${this.#at}`)
  }

  expect(token: string): void {
    if (!this.#text.startsWith(token, this.#at)) {
      this.#refuse(this.#at + token.length > this.#text.length ? `it ends where ${token} should be` : `${token} is missing`)
    }
    this.#at += token.length
  }

  end(): void {
    if (this.#at !== this.#text.length) this.#refuse('there is more after its end')
  }

  /** A string behind a comma. */
  field(): string {
    this.expect(',')
    return this.string()
  }

  string(): string {
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

  list<Item>(item: () => Item): Item[] {
    const items: Item[] = []
    this.expect('[')
    while (this.#text[this.#at] !== ']') {
      if (items.length > 0) this.expect(',')
      items.push(item())
    }
    this.expect(']')
    return items
  }

  /** Strings in ascending order, so that none is there twice. */
  set(what: string): string[] {
    const items = this.list(() => this.string())
    this.#ascending(items, what)
    return items
  }

  /** @param value reads what stands behind a key */
  map<Value>(what: string, value: () => Value): Map<string, Value> {
    const items = this.list(() => {
      this.expect('(')
      const item = [this.string(), value()] as const
      this.expect(')')
      return item
    })
    this.#ascending(items.map(([key]) => key), what)
    return new Map(items)
  }

  #ascending(items: readonly string[], what: string): void {
    for (const [index, item] of items.entries()) {
      const before = items[index - 1]
      if (before === undefined || byBytes(before, item) < 0) continue
      this.#refuse(before === item ? `${what}: ${JSON.stringify(item)} is there twice` : `${what}: ${JSON.stringify(item)} is out of order`)
    }
  }
}
