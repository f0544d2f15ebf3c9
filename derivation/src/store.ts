// A store in a folder of the host. Inside of sessions its entries are at their store paths, whatever that folder is called.
//   FOLDER/store/HASH-NAME   the entries
//   FOLDER/registry.json     which of them are valid
//   FOLDER/building/ID       builds that run
//   FOLDER/log/HASH-NAME     what the builder of a derivation wrote
//   FOLDER/lock              see lock.ts
import { mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { copyCanonical } from './canonical.ts'
import { contentOf } from './content.ts'
import { DerivationError } from './errors.ts'
import { lockOf, type Lock } from './lock.ts'
import { Registry, type Registered } from './registry.ts'
import { removeTree } from './remove.ts'
import { checkStoreDirectory, contentAddress, partsOf, sha256, sourcePath, textPath } from './store-path.ts'

export interface StoreOptions {
  /** Of the host. It is made if missing. */
  readonly folder: string
  /** Such as /gnu/store: where the store is inside of sessions. It is a part of every hash. */
  readonly directory: string
}

export class Store {
  readonly directory: string
  readonly #folder: string
  readonly #registry: Registry
  readonly #lock: Lock

  private constructor({ folder, directory }: StoreOptions, registry: Registry, lock: Lock) {
    this.#folder = folder
    this.directory = directory
    this.#registry = registry
    this.#lock = lock
  }

  /**
   * Opens a store, or makes one, and removes what an interrupted program has left in it.
   * @throws DerivationError
   */
  static async open(options: StoreOptions, lock: (folder: string) => Promise<Lock> = lockOf): Promise<Store> {
    const { folder, directory } = options
    checkStoreDirectory(directory)
    // No other user may reach what builders make before it is canonical.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of ['store', 'building', 'log']) await mkdir(path.join(folder, name), { recursive: true })
    const held = await lock(path.join(folder, 'lock'))
    try {
      const store = new Store(options, await Registry.read(path.join(folder, 'registry.json')), held)
      await store.#repair()
      return store
    } catch (error) {
      await held.close()
      throw error
    }
  }

  async #repair(): Promise<void> {
    const valid = new Set(this.#registry.paths.map((storePath) => partsOf(this.directory, storePath).base))
    const left = (await readdir(path.join(this.#folder, 'store'))).filter((base) => !valid.has(base))
    for (const base of left) await removeTree(path.join(this.#folder, 'store', base))
    for (const name of await readdir(path.join(this.#folder, 'building'))) await removeTree(path.join(this.#folder, 'building', name))
  }

  close(): Promise<void> {
    return this.#lock.close()
  }

  /** Where an entry is on the host. */
  onHost(storePath: string): string {
    return path.join(this.#folder, 'store', partsOf(this.directory, storePath).base)
  }

  /** Where the log of a derivation is on the host, by the path of its .drv file. */
  log(storePath: string): string {
    return path.join(this.#folder, 'log', partsOf(this.directory, storePath).base)
  }

  /** A new folder, on the file system of the store. */
  newFolder(): Promise<string> {
    return mkdtemp(path.join(this.#folder, 'building', 'build-'))
  }

  /** Undefined if the path is not valid. */
  query(storePath: string): Registered | undefined {
    return this.#registry.get(storePath)
  }

  /** The valid outputs of a derivation. */
  outputsOf(drv: string): string[] {
    return this.#registry.paths.filter((storePath) => this.query(storePath)?.deriver === drv)
  }

  /** @throws DerivationError if the path is not valid */
  read(storePath: string): Promise<Buffer> {
    this.#valid(storePath)
    return readFile(this.onHost(storePath))
  }

  /**
   * The paths, and all that they refer to in turn.
   * @throws DerivationError if one is not valid
   */
  closure(paths: Iterable<string>): Set<string> {
    const closure = new Set<string>()
    const left = [...paths]
    for (let storePath = left.pop(); storePath !== undefined; storePath = left.pop()) {
      if (closure.has(storePath)) continue
      closure.add(storePath)
      left.push(...this.#valid(storePath).references)
    }
    return closure
  }

  /** Writes a text into the store. Returns its store path. */
  async addText(name: string, text: string, references: readonly string[] = []): Promise<string> {
    const hash = sha256(text)
    const storePath = textPath(this.directory, name, hash, references)
    this.closure(references)
    await this.#addOnce(storePath, { references, ca: contentAddress('text:sha256', hash) }, async (folder) => {
      const file = path.join(folder, 'text')
      await writeFile(file, text)
      return file
    })
    return storePath
  }

  /** Brings a file or a tree of the host into the store. Returns its store path. */
  async addFiles(name: string, source: string): Promise<string> {
    const folder = await this.newFolder()
    try {
      // The copy is hashed, because the source may change meanwhile.
      const copy = path.join(folder, 'copy')
      await copyCanonical(source, copy)
      const { narHash } = await contentOf(copy, [])
      const storePath = sourcePath(this.directory, name, narHash)
      await this.#addOnce(storePath, { references: [], ca: contentAddress('fixed:r:sha256', narHash) }, async () => copy)
      return storePath
    } finally {
      await removeTree(folder)
    }
  }

  /**
   * Copies what was made on the host to its place in the store, in its canonical form. It is not valid before it is registered.
   * @param candidates store paths that it could refer to. Of two with the same hash, the first is meant.
   */
  async bringIn(storePath: string, made: string, candidates: Iterable<string>): Promise<Registered> {
    const entry = this.onHost(storePath)
    await removeTree(entry)
    await copyCanonical(made, entry, storePath)
    return this.measure(entry, candidates)
  }

  /** What would be registered of a file or a tree of the host. `candidates` as in `bringIn`. */
  async measure(file: string, candidates: Iterable<string>): Promise<Registered> {
    const byHash = new Map([...candidates].reverse().map((candidate) => [partsOf(this.directory, candidate).hash, candidate]))
    const { narHash, narSize, found } = await contentOf(file, byHash.keys())
    const references = [...found].map((hash) => byHash.get(hash) ?? '').sort()
    return { narHash, narSize, references }
  }

  /** Makes paths valid that were brought in, all of them or none. */
  register(entries: Iterable<readonly [string, Registered]>): Promise<void> {
    return this.#registry.add(entries)
  }

  /** @param make returns the file that is to be brought in */
  async #addOnce(storePath: string, { references, ca }: { readonly references: readonly string[]; readonly ca: string }, make: (folder: string) => Promise<string>): Promise<void> {
    if (this.query(storePath) !== undefined) return
    const folder = await this.newFolder()
    try {
      const brought = await this.bringIn(storePath, await make(folder), [])
      await this.register([[storePath, { ...brought, references: [...references].sort(), ca }]])
    } finally {
      await removeTree(folder)
    }
  }

  #valid(storePath: string): Registered {
    const registered = this.query(storePath)
    if (registered === undefined) throw new DerivationError(`${storePath} is not in the store`)
    return registered
  }
}
