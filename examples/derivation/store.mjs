// A store in a folder of the host. Inside of sessions its entries are at their store paths, whatever that folder is called.
//   FOLDER/store/HASH-NAME   the entries
//   FOLDER/registry.json     which of them are valid
//   FOLDER/building/ID       what is being built
//   FOLDER/log/HASH-NAME     what the builder of a derivation wrote
//   FOLDER/lock              see lock.mjs
import { mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { copyCanonical } from './canonical.mjs'
import { contentOf } from './content.mjs'
import { DerivationError } from './errors.mjs'
import { Registry } from './registry.mjs'
import { removeTree } from './remove.mjs'
import { checkStoreDirectory, partsOf, sourcePath, textPath } from './store-path.mjs'

/** @typedef {import('./registry.mjs').Registered} Registered */

export class Store {
  /** Such as /gnu/store: where it is inside of sessions. It is a part of every hash. */
  directory
  #folder
  #registry
  #lock

  /**
   * @param {string} folder
   * @param {string} directory
   * @param {Registry} registry
   * @param {{ close(): Promise<void> }} lock
   */
  constructor(folder, directory, registry, lock) {
    this.#folder = folder
    this.directory = directory
    this.#registry = registry
    this.#lock = lock
  }

  /**
   * Opens a store, or makes one, and takes away what an interrupted program has left in it.
   * @param {{ folder: string, directory: string, lock: (folder: string) => Promise<{ close(): Promise<void> }> }} options
   * @throws DerivationError
   */
  static async open({ folder, directory, lock }) {
    checkStoreDirectory(directory)
    // No other user may reach what builders make before it is canonical.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of ['store', 'building', 'log']) await mkdir(path.join(folder, name), { recursive: true })
    const held = await lock(path.join(folder, 'lock'))
    try {
      const store = new Store(folder, directory, await Registry.read(path.join(folder, 'registry.json')), held)
      await store.#repair()
      return store
    } catch (error) {
      await held.close()
      throw error
    }
  }

  async #repair() {
    const valid = new Set(this.#registry.paths.map((storePath) => partsOf(this.directory, storePath).base))
    const left = (await readdir(path.join(this.#folder, 'store'))).filter((base) => !valid.has(base))
    for (const base of left) await removeTree(path.join(this.#folder, 'store', base))
    for (const name of await readdir(path.join(this.#folder, 'building'))) await removeTree(path.join(this.#folder, 'building', name))
  }

  close() {
    return this.#lock.close()
  }

  /**
   * Where an entry is on the host.
   * @param {string} storePath
   */
  onHost(storePath) {
    return path.join(this.#folder, 'store', partsOf(this.directory, storePath).base)
  }

  /**
   * Where the log of a derivation is on the host.
   * @param {string} storePath of its .drv file
   */
  log(storePath) {
    return path.join(this.#folder, 'log', partsOf(this.directory, storePath).base)
  }

  /** A new folder, on the file system of the store. */
  newFolder() {
    return mkdtemp(path.join(this.#folder, 'building', 'build-'))
  }

  /**
   * @param {string} storePath
   * @returns {Registered | undefined} undefined where it is not valid
   */
  query(storePath) {
    return this.#registry.get(storePath)
  }

  /**
   * @param {string} storePath of a file
   * @returns {Promise<Buffer>}
   * @throws DerivationError
   */
  read(storePath) {
    this.#valid(storePath)
    return readFile(this.onHost(storePath))
  }

  /**
   * The paths, and all that they refer to in turn.
   * @param {Iterable<string>} paths
   * @returns {Set<string>}
   * @throws DerivationError where one is not valid
   */
  closure(paths) {
    const closure = new Set()
    const left = [...paths]
    for (let storePath = left.pop(); storePath !== undefined; storePath = left.pop()) {
      if (closure.has(storePath)) continue
      closure.add(storePath)
      left.push(...this.#valid(storePath).references)
    }
    return closure
  }

  /**
   * Writes a text into the store.
   * @param {string} name
   * @param {string} text
   * @param {readonly string[]} [references]
   * @returns {Promise<string>} its store path
   */
  async addText(name, text, references = []) {
    const storePath = textPath(this.directory, name, text, references)
    this.closure(references)
    await this.#addOnce(storePath, references, async (folder) => {
      const file = path.join(folder, 'text')
      await writeFile(file, text)
      return file
    })
    return storePath
  }

  /**
   * Brings a file or a tree of the host into the store.
   * @param {string} name
   * @param {string} source
   * @returns {Promise<string>} its store path
   */
  async addFiles(name, source) {
    const folder = await this.newFolder()
    try {
      // As it will be there, and not as it may have become.
      const copy = path.join(folder, 'copy')
      await copyCanonical(source, copy)
      const storePath = sourcePath(this.directory, name, (await contentOf(copy, [])).narHash)
      await this.#addOnce(storePath, [], async () => copy)
      return storePath
    } finally {
      await removeTree(folder)
    }
  }

  /**
   * Copies what was made on the host to where it belongs, in its canonical form. It is not valid before it is registered.
   * @param {string} storePath
   * @param {string} made
   * @param {Iterable<string>} candidates store paths that it could refer to
   * @returns {Promise<Registered>}
   */
  async bringIn(storePath, made, candidates) {
    const entry = this.onHost(storePath)
    await removeTree(entry)
    await copyCanonical(made, entry)
    const byHash = new Map([...candidates].map((candidate) => [partsOf(this.directory, candidate).hash, candidate]))
    const { narHash, narSize, found } = await contentOf(entry, byHash.keys())
    const references = [...found].map((hash) => byHash.get(hash) ?? '').sort()
    return { narHash, narSize, references }
  }

  /**
   * Makes paths valid that were brought in, all of them or none.
   * @param {Iterable<readonly [string, Registered]>} entries
   */
  register(entries) {
    return this.#registry.add(entries)
  }

  /**
   * @param {string} storePath
   * @param {readonly string[]} references
   * @param {(folder: string) => Promise<string>} make gives what is to be brought in
   */
  async #addOnce(storePath, references, make) {
    if (this.query(storePath) !== undefined) return
    const folder = await this.newFolder()
    try {
      const brought = await this.bringIn(storePath, await make(folder), [])
      await this.register([[storePath, { ...brought, references: [...references].sort() }]])
    } finally {
      await removeTree(folder)
    }
  }

  /** @param {string} storePath */
  #valid(storePath) {
    const registered = this.query(storePath)
    if (registered === undefined) throw new DerivationError(`${storePath} is not in the store`)
    return registered
  }
}
