// The closure of a derivation, brought from the directory of another store, such as Nix's or Guix's own. That store is only read, and its database is not
// needed: references are found in the files. An output is searched for what its derivation may refer to, and all else for all names of the directory.
import { lstat, readFile, readdir } from 'node:fs/promises'
import path from 'node:path'

import { readDerivation, writeDerivation, type Derivation, type Output } from './aterm.ts'
import { attributesOf } from './attributes.ts'
import { checkedDerivation, derivationName, isDerivation, referencesOf } from './check.ts'
import { DerivationError } from './errors.ts'
import { byBytes } from './order.ts'
import { addressOf, checkFixed, checkReferences, circle, hashOfFile } from './outputs.ts'
import type { Registered } from './registry.ts'
import type { Store } from './store.ts'
import { contentAddress, fixedOutputPath, isEntry, partsOf, sourcePath, textPath } from './store-path.ts'

/** An output of a derivation that was brought. */
interface Known {
  readonly drv: string
  readonly name: string
  readonly derivation: Derivation
}

export class Closure {
  readonly #store: Store
  readonly #from: string
  /** Store paths of all that is there. */
  readonly #names: ReadonlySet<string>
  readonly #derivations = new Map<string, Derivation>()
  /** By their paths. */
  readonly #outputs = new Map<string, Known>()
  /** Those that are being brought, each for the one before it. */
  readonly #coming = new Set<string>()

  private constructor(store: Store, from: string, names: ReadonlySet<string>) {
    this.#store = store
    this.#from = from
    this.#names = names
  }

  /** @param from a directory of the host with the entries of a store */
  static async open(store: Store, from: string): Promise<Closure> {
    // What Nix leaves beside an entry (HASH-NAME.lock, .check, .drv.chroot) comes after it, and the first name of a hash is the one that is meant.
    const names = (await readdir(from)).filter(isEntry).sort(byBytes)
    return new Closure(store, from, new Set(names.map((base) => `${store.directory}/${base}`)))
  }

  /**
   * Brings a derivation, its sources and those of its inputs in turn, and of the inputs the outputs that are there already.
   * @throws DerivationError
   */
  async bringDerivation(drv: string): Promise<Derivation> {
    const known = this.#derivations.get(drv)
    if (known !== undefined) return known
    const { directory } = this.#store
    const derivation = checkedDerivation(directory, drv, await readFile(this.#at(drv)))
    this.#derivations.set(drv, derivation)
    for (const [name, output] of derivation.outputs) this.#outputs.set(output.path, { drv, name, derivation })
    for (const [input, names] of derivation.inputDrvs) await this.bringOutputs(await this.bringDerivation(input), names)
    for (const source of derivation.inputSrcs) await this.#bring(source)
    await this.#store.addText(`${derivationName(directory, drv)}.drv`, writeDerivation(derivation), referencesOf(derivation))
    return derivation
  }

  /**
   * Brings outputs of a derivation that was brought, as far as they are there.
   * @throws DerivationError if one is not what its derivation says: it may be there because that store refused it
   */
  async bringOutputs({ outputs }: Derivation, names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const output = outputs.get(name)
      if (output !== undefined && (await isThere(this.#at(output.path)))) await this.#bring(output.path)
    }
  }

  /** The hash of the NAR of each output that is there, by its path, whatever the own store has there. */
  async hashesOf({ outputs }: Derivation): Promise<Map<string, string>> {
    const hashes = new Map<string, string>()
    for (const output of outputs.values()) {
      const file = this.#at(output.path)
      if (await isThere(file)) hashes.set(output.path, (await this.#store.measure(file, [])).narHash)
    }
    return hashes
  }

  async #bring(storePath: string): Promise<void> {
    if (this.#store.query(storePath) !== undefined) return
    const known = this.#outputs.get(storePath)
    if (this.#coming.has(storePath)) {
      const coming = [...this.#coming]
      throw new DerivationError(`${known?.drv ?? storePath}: ${circle(coming.slice(coming.indexOf(storePath)))}`)
    }
    this.#coming.add(storePath)
    const scanned = await this.#store.bringIn(storePath, this.#at(storePath), known === undefined ? this.#names : this.#candidates(known))
    const brought = known === undefined ? await this.#source(storePath, scanned) : scanned
    for (const reference of brought.references) if (reference !== storePath) await this.#bring(reference)
    await this.#store.register([[storePath, known === undefined ? brought : await this.#checked(known, storePath, brought)]])
    this.#coming.delete(storePath)
  }

  /** What an output may refer to: outputs and sources of the closure of its derivation, as far as they are there. */
  #candidates({ derivation, name }: Known): string[] {
    if (attributesOf(derivation).checksOf(name).discardReferences) return []
    const derivations = new Set([derivation])
    for (const { inputDrvs } of derivations) for (const drv of inputDrvs.keys()) derivations.add(this.#derivations.get(drv) as Derivation)
    const outputs = [...derivations].flatMap((one) => [...one.outputs.values()].map((output) => output.path))
    const sources = this.#store.closure([...derivations].flatMap((one) => one.inputSrcs))
    return [...outputs.filter((output) => this.#names.has(output) || this.#store.query(output) !== undefined), ...sources]
  }

  async #checked({ drv, name, derivation }: Known, storePath: string, brought: Registered): Promise<Registered> {
    const output = derivation.outputs.get(name) as Output
    try {
      await checkFixed(name, this.#store.onHost(storePath), output, brought)
      checkReferences(name, derivation.outputs, attributesOf(derivation).checksOf(name), (one) => (one === storePath ? brought : this.#store.query(one)))
    } catch (error) {
      throw new DerivationError(`${drv}: ${(error as Error).message}`, { cause: error })
    }
    return { ...brought, deriver: drv, ...addressOf(output) }
  }

  /** The path of a source is made from its content and, if that is a text, from its references. So the path says which of those that were found are some. */
  async #source(storePath: string, scanned: Registered): Promise<Registered> {
    const { directory } = this.#store
    const { name } = partsOf(directory, storePath)
    if (sourcePath(directory, name, scanned.narHash) === storePath) return { ...scanned, references: [], ca: contentAddress('fixed:r:sha256', scanned.narHash) }
    const file = this.#store.onHost(storePath)
    if (!(await lstat(file)).isFile()) return scanned
    const hash = await hashOfFile(file, 'sha256')
    if (fixedOutputPath(directory, name, 'sha256', hash) === storePath) return { ...scanned, references: [], ca: contentAddress('fixed:sha256', hash) }
    const declared = isDerivation(name) ? [referencesIn(await readFile(file))] : []
    const references = [...declared, ...subsets(scanned.references)].find((some) => textPath(directory, name, hash, some) === storePath)
    return references === undefined ? scanned : { ...scanned, references: [...references].sort(), ca: contentAddress('text:sha256', hash) }
  }

  #at(storePath: string): string {
    return path.join(this.#from, partsOf(this.#store.directory, storePath).base)
  }
}

/** Of many paths only none and all, because each path more is twice as many subsets. */
function subsets(paths: readonly string[]): (readonly string[])[] {
  if (paths.length > 8) return [[], paths]
  return Array.from({ length: 2 ** paths.length }, (_, bits) => paths.filter((_path, at) => ((bits >> at) & 1) === 1))
}

/** Of a derivation that is a source. A text with such a name may be none. */
function referencesIn(text: Buffer): string[] {
  try {
    return referencesOf(readDerivation(text.toString()))
  } catch (error) {
    if (error instanceof DerivationError) return []
    throw error
  }
}

const isThere = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  )
