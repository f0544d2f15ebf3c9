import { once } from 'node:events'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmdirSync } from 'node:fs'
import { chmod, lstat, mkdir, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { invalid } from '../spec/check.ts'
import { namesIn, within } from './byte-paths.ts'
import { refuseExchangeable } from './exchangeable.ts'

/** Far enough from PATH_MAX, which is 1,024 bytes on FreeBSD. */
const longestPath = 768
/** A `sockaddr_un` has 104 bytes for a path on FreeBSD (unix(4)). */
const longestSocket = 100
const beginning = 'buildjail-verify-'
/** A socket in a scratch, at which its program listens as long as it runs. On a file system of several hosts only that one can tell. */
const aliveName = `alive-${hostname().replaceAll(/[^\w.-]/g, '_').slice(0, 20)}`
/** Once a host program is killed, its builds are ended within two seconds. */
const buildsEndMs = 5000

/**
 * A folder of the host for the builds of one verification. Only the caller can enter it. So once the sessions are closed, nothing in it changes but by
 * this program.
 */
export class Scratch {
  readonly path: string
  readonly #alive: Server | undefined

  private constructor(at: string, alive: Server | undefined) {
    this.path = at
    this.#alive = alive
  }

  /**
   * Makes one, and takes away those of programs that were killed.
   * @param folder it is made in; default: the folder for temporary files
   * @throws SpecError where another user could exchange it
   */
  static async in(folder: string = realpathSync(tmpdir())): Promise<Scratch> {
    refuseExchangeable(folder, 'TMPDIR')
    const abandoned = await abandonedIn(folder)
    // A build could put a link in the place of a folder that is being taken away.
    if (abandoned.length > 0) await sleep(buildsEndMs)
    for (const left of abandoned) await new Scratch(left, undefined).remove().catch(() => {})
    // mkdtemp(3) gives mode 0700.
    const at = mkdtempSync(path.join(folder, beginning))
    return new Scratch(at, await listeningIn(at))
  }

  /** Makes a folder in it, and those around that. */
  make(...names: readonly string[]): string {
    const folder = path.join(this.path, ...names)
    mkdirSync(folder, { recursive: true })
    return folder
  }

  /** Leaves it for the caller. */
  async keep(): Promise<void> {
    if (this.#alive === undefined) return
    // First: a socket that is there, and has no listener, is that of a killed program.
    await unlink(path.join(this.path, aliveName))
    this.#alive.close()
  }

  /**
   * Takes it away with everything in it, however deep that is and whatever modes it has.
   * @throws Error of the first thing that cannot be taken away
   */
  async remove(): Promise<void> {
    const top = Buffer.from(this.path)
    const alive = path.join(this.path, aliveName)
    let moved = 0
    const away = async (folder: Buffer): Promise<void> => {
      for (const name of await namesIn(folder)) {
        const at = within(folder, name)
        if (at.equals(Buffer.from(alive))) continue
        if (!(await lstat(at)).isDirectory()) {
          await unlink(at)
          continue
        }
        // A build may have left it shut.
        await chmod(at, 0o700)
        // What lies deeper than a path is long is moved up first.
        if (at.length >= longestPath) await rename(at, within(top, Buffer.from(`moved-${(moved += 1)}`)))
        else {
          await away(at)
          await rmdir(at)
        }
      }
    }
    for (let before = -1; before !== moved; ) {
      before = moved
      await away(top)
    }
    // Last: until then it is not taken for that of a killed program.
    await rm(alive, { force: true })
    this.#alive?.close()
    await rmdir(top)
  }
}

/** Undefined where no socket can be: such a scratch stays when its program is killed. */
async function listeningIn(scratch: string): Promise<Server | undefined> {
  const socket = path.join(scratch, aliveName)
  if (Buffer.byteLength(socket) > longestSocket) return undefined
  const server = createServer((connection) => connection.destroy()).unref()
  // Between bind(2) and listen(2) it would count as abandoned.
  const early = path.join(scratch, 'new')
  try {
    await once(server.listen(early), 'listening')
  } catch {
    return undefined
  }
  await rename(early, socket)
  return server
}

/** Those of the caller whose programs were killed. */
async function abandonedIn(folder: string): Promise<readonly string[]> {
  const ours = readdirSync(folder)
    .filter((name) => name.startsWith(beginning))
    .map((name) => path.join(folder, name))
    .filter((scratch) => lstatSync(scratch, { throwIfNoEntry: false })?.uid === process.geteuid?.())
  const are = await Promise.all(ours.map(isAbandoned))
  return ours.filter((_, index) => are[index] === true)
}

/** The kernel refuses a connection to a socket whose program is gone (connect(2)), whatever namespaces and jails the two are in. */
async function isAbandoned(scratch: string): Promise<boolean> {
  const connection = connect(path.join(scratch, aliveName))
  try {
    await once(connection, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    connection.destroy()
  }
}

/**
 * The folder of `keep`, in which the outputs of builds that differ stay. It is made where only its last part is missing.
 * @throws SpecError where another user could exchange what is in it
 */
export async function folderToKeepIn(keep: string): Promise<string> {
  const at = realpathSync(path.dirname(keep))
  const folder = path.join(at, path.basename(keep))
  await mkdir(folder, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw invalid('keep', `${keep} cannot be made: ${error.message}`, error)
  })
  refuseExchangeable(folder, 'keep')
  return folder
}

/** What a file system does with the order in which the entries of a folder are made. */
export type ListingOrder = 'as-made' | 'reversed' | 'its-own'

/** The order in which a folder there lists its entries, by a trial. */
export async function listingOrderIn(folder: string): Promise<ListingOrder> {
  const trial = mkdtempSync(path.join(folder, 'order-'))
  const names = [...'ncahpbodiegmflkj']
  for (const name of names) mkdirSync(path.join(trial, name))
  const listed = Buffer.concat(await namesIn(Buffer.from(trial))).toString()
  for (const name of names) rmdirSync(path.join(trial, name))
  rmdirSync(trial)
  if (listed === names.join('')) return 'as-made'
  return listed === names.toReversed().join('') ? 'reversed' : 'its-own'
}
