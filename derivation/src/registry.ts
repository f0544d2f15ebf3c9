// Which paths of a store are valid: whole, and as they were registered. A path that is in the store and not in here comes from an interrupted build.
import { open, readFile, rename, type FileHandle } from 'node:fs/promises'
import path from 'node:path'

import { DerivationError } from './errors.ts'

export interface Registered {
  /** sha256 in hexadecimal. */
  readonly narHash: string
  /** In bytes. */
  readonly narSize: number
  /** Store paths, its own among them, in order. */
  readonly references: readonly string[]
  /** The path of the derivation that it is an output of. */
  readonly deriver?: string
  /** How its path was made from its content, in the words of Nix, such as `fixed:r:sha256:` and a hash. */
  readonly ca?: string
}

const version = 1

/** One JSON file. It is replaced as a whole, so that at every moment it has all of a change or nothing of it. */
export class Registry {
  readonly #file: string
  #paths: ReadonlyMap<string, Registered>
  #written: Promise<void> = Promise.resolve()

  private constructor(file: string, paths: ReadonlyMap<string, Registered>) {
    this.#file = file
    this.#paths = paths
  }

  /**
   * @param file may be missing
   * @throws DerivationError if it is something else
   */
  static async read(file: string): Promise<Registry> {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    return new Registry(file, text === undefined ? new Map() : parsed(text, file))
  }

  get(storePath: string): Registered | undefined {
    return this.#paths.get(storePath)
  }

  get paths(): string[] {
    return [...this.#paths.keys()]
  }

  /** Registers some paths, all of them or none. Once it resolves, they are valid also after a loss of power. */
  add(entries: Iterable<readonly [string, Registered]>): Promise<void> {
    const added = [...entries]
    // One after the other: each writes what the ones before it have added.
    const written = this.#written.then(() => this.#write(added))
    this.#written = written.catch(() => {})
    return written
  }

  async #write(added: readonly (readonly [string, Registered])[]): Promise<void> {
    const paths = new Map([...this.#paths, ...added])
    await replace(this.#file, `${JSON.stringify({ version, paths: Object.fromEntries(paths) }, undefined, 1)}\n`)
    this.#paths = paths
  }
}

function parsed(text: string, file: string): Map<string, Registered> {
  try {
    const content = JSON.parse(text) as { readonly version: unknown; readonly paths: unknown }
    if (content.version === version && typeof content.paths === 'object') return new Map(Object.entries(content.paths as Record<string, Registered>))
  } catch (error) {
    throw new DerivationError(`${file} is no registry`, { cause: error })
  }
  throw new DerivationError(`${file} is a registry of another version`)
}

async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.next`
  await synced(next, 'w', (handle) => handle.writeFile(text))
  await rename(next, file)
  // The name.
  await synced(path.dirname(file), 'r', async () => {})
}

async function synced(file: string, flags: string, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(file, flags)
  try {
    await work(handle)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
