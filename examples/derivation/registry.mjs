// What of a store is valid: whole, and as it was registered. A path that is there and not in here is a build that was interrupted.
import { open, readFile, rename } from 'node:fs/promises'
import path from 'node:path'

import { DerivationError } from './errors.mjs'

/**
 * @typedef {object} Registered
 * @property {string} narHash sha256 in hexadecimal
 * @property {number} narSize bytes
 * @property {readonly string[]} references store paths, its own among them
 * @property {string} [deriver] path of the derivation that it is an output of
 */

const version = 1

/** One JSON file. It is replaced as a whole, so that it is at every moment as it was before or as it is to be. */
export class Registry {
  #file
  /** @type {Map<string, Registered>} */
  #paths
  /** @type {Promise<void>} */
  #written = Promise.resolve()

  /**
   * @param {string} file
   * @param {Map<string, Registered>} paths
   */
  constructor(file, paths) {
    this.#file = file
    this.#paths = paths
  }

  /**
   * @param {string} file where it is, or is to be
   * @throws DerivationError where it is something else
   */
  static async read(file) {
    const text = await readFile(file, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    return new Registry(file, text === undefined ? new Map() : parsed(text, file))
  }

  /** @param {string} storePath */
  get(storePath) {
    return this.#paths.get(storePath)
  }

  get paths() {
    return [...this.#paths.keys()]
  }

  /**
   * Registers some paths, all of them or none: after it, they are valid also when the power goes.
   * @param {Iterable<readonly [string, Registered]>} entries
   */
  add(entries) {
    const added = [...entries]
    // One after the other: each writes what the ones before it have added.
    const written = this.#written.then(() => this.#write(added))
    this.#written = written.catch(() => {})
    return written
  }

  /** @param {readonly (readonly [string, Registered])[]} added */
  async #write(added) {
    const paths = new Map([...this.#paths, ...added])
    await replace(this.#file, `${JSON.stringify({ version, paths: Object.fromEntries(paths) }, undefined, 1)}\n`)
    this.#paths = paths
  }
}

/**
 * @param {string} text
 * @param {string} file
 * @returns {Map<string, Registered>}
 */
function parsed(text, file) {
  try {
    const content = JSON.parse(text)
    if (content.version === version && typeof content.paths === 'object') return new Map(Object.entries(content.paths))
  } catch (error) {
    throw new DerivationError(`${file} is no registry`, { cause: error })
  }
  throw new DerivationError(`${file} is a registry of another version`)
}

/**
 * @param {string} file
 * @param {string} text
 */
async function replace(file, text) {
  const next = `${file}.next`
  await synced(next, 'w', (handle) => handle.writeFile(text))
  await rename(next, file)
  // The name.
  await synced(path.dirname(file), 'r', async () => {})
}

/**
 * @param {string} file
 * @param {string} flags
 * @param {(handle: import('node:fs/promises').FileHandle) => Promise<void>} work
 */
async function synced(file, flags, work) {
  const handle = await open(file, flags)
  try {
    await work(handle)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
