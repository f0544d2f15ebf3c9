import { existsSync, readFileSync, realpathSync } from 'node:fs'
import nodePath from 'node:path'

import { lookInside } from './inside.ts'
import { folderIfThere } from '../spec/look.ts'
import { isWithin } from '../spec/paths.ts'
import type { Mount, Plan } from '../spec/plan-types.ts'

/** In a network of names: a name that was refused, or a connection that failed. */
export interface NetworkTrouble {
  readonly name: string
  /** 0 if a name was asked for. */
  readonly port: number
  /** As that of a RefusedEvent or a ConnectionEvent. */
  readonly outcome: string
  /** It happened before the command began. */
  readonly isEarlier?: true
  readonly address?: string
}

/** The known facts about a command that failed. The session itself is not searched. */
export interface Failure {
  readonly argv: readonly string[]
  /** Inside. */
  readonly cwd: string
  readonly plan: Pick<Plan, 'platform' | 'mounts' | 'links' | 'directories' | 'files' | 'network' | 'allow' | 'env'>
  /** Its output, or the end of that. Undefined if it did not pass through this program: then only the command and the plan are considered. */
  readonly output: readonly string[] | undefined
  /** Of its session while the command ran. */
  readonly troubles?: readonly NetworkTrouble[]
}

/** The host, as far as a hint needs it. */
export interface Outside {
  /** The working directory of this program, or the root if that was removed. */
  readonly folder: string
  readonly exists: (path: string) => boolean
  /** The path that links lead to. Undefined if they lead nowhere. */
  readonly leadsTo: (path: string) => string | undefined
  /** Whether a program listens on a TCP port. Also false if that cannot be known. */
  readonly listens: (port: number) => boolean
}

export const thisHost: Outside = {
  get folder() {
    return folderIfThere() ?? '/'
  },
  exists: (path) => existsSync(path),
  leadsTo: (path) => {
    try {
      return realpathSync.native(path)
    } catch {
      return undefined
    }
  },
  listens: (port) => ['/proc/net/tcp', '/proc/net/tcp6'].some((table) => listens(table, port)),
}

/** By a table of the kernel's sockets (proc_pid_net(5)), which FreeBSD lacks. */
function listens(table: string, port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const listening = '0A'
  return (
    existsSync(table) &&
    readFileSync(table, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some(([, address, , state]) => address?.endsWith(local) === true && state === listening)
  )
}

/** The number of bytes at the end of each stream that are searched. */
export const tailSize: number = 8 * 1024

/** The end of an output stream as text, without the line that it begins within. */
export function tailOf(bytes: Buffer): string {
  if (bytes.length <= tailSize) return bytes.toString('utf8')
  const tail = bytes.toString('utf8', bytes.length - tailSize)
  return tail.slice(tail.indexOf('\n') + 1)
}

/** ECMA-48: control sequences, and strings up to their terminator. */
export const sequences: RegExp = new RegExp(String.raw`\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])`, 'g')

/** A line that is longer is data, and no message. It also bounds what a pattern can cost. */
const longestLine = 1000

/** What the recognisers of hints ask about a command that failed. */
export class Evidence {
  readonly failure: Failure
  readonly outside: Outside
  /** The last lines of its output. Empty if that was not seen. */
  readonly lines: readonly string[]

  constructor(failure: Failure, outside: Outside) {
    this.failure = failure
    this.outside = outside
    const lines = (failure.output ?? []).flatMap((text) => text.replaceAll(sequences, '').split(/[\r\n]+/))
    this.lines = lines.filter((line) => line !== '' && line.length <= longestLine)
  }

  get isOutputSeen(): boolean {
    return this.failure.output !== undefined
  }

  /** The groups of the first line that a pattern matches. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    return this.matches(pattern)[0]
  }

  matches(pattern: RegExp): readonly RegExpExecArray[] {
    return this.lines.map((line) => pattern.exec(line)).filter((match) => match !== null)
  }

  /** A name in the command's output, as a path inside. */
  inside(name: string): string {
    return nodePath.posix.resolve(this.failure.cwd, name)
  }

  /** The mount that a path inside lies in. Undefined in the session's own root. */
  mountOf(path: string): Mount | undefined {
    return this.failure.plan.mounts.filter(({ target }) => isWithin(path, target)).toSorted((a, b) => b.target.length - a.target.length)[0]
  }

  /** Whether a path cannot exist: no mount has it, and it does not lie among the session's own files. */
  isAbsent(path: string): boolean {
    const { plan } = this.failure
    try {
      return !plan.files.some((file) => file.path === path) && lookInside(path, plan) === 'absent'
    } catch {
      // A source that cannot be read.
      return false
    }
  }

  isOnHost(path: string): boolean {
    return this.outside.exists(path)
  }

  leadsTo(path: string): string | undefined {
    return this.outside.leadsTo(path)
  }

  /** Whether the command began in a folder in memory, which was empty unless a mount lies in it. */
  get isInEmptyFolder(): boolean {
    const { cwd, plan } = this.failure
    return this.mountOf(cwd)?.kind === 'tmpfs' && !plan.mounts.some(({ target }) => target !== cwd && isWithin(target, cwd))
  }

  /**
   * The name of a file in the host's working directory, if a path inside would be that file were this directory the command's. Undefined if
   * there is no such file, and if the path does not lie in the command's directory.
   */
  nameInHostFolder(path: string): string | undefined {
    const { cwd } = this.failure
    if (!isWithin(path, cwd) || path === cwd) return undefined
    const name = nodePath.posix.relative(cwd, path)
    return this.isOnHost(nodePath.join(this.outside.folder, name)) ? name : undefined
  }

  /** Where the host's working directory is inside. */
  get placeOfHostFolder(): string | undefined {
    const { folder } = this.outside
    const mounts = this.failure.plan.mounts.filter(({ kind, source }) => source !== undefined && kind !== 'file' && kind !== 'listed' && isWithin(folder, source))
    const [mount] = mounts.toSorted((a, b) => (b.source ?? '').length - (a.source ?? '').length)
    return mount?.source === undefined ? undefined : nodePath.posix.join(mount.target, nodePath.relative(mount.source, folder))
  }
}

/** The words of programs for their streams in messages. */
const streams: ReadonlySet<string> = new Set(['standard output', 'standard error', 'stdout', 'stderr', '-'])

/** The words before a name without quotes. After other words a last word is no name, as in "unable to remove target". */
const unquoted = /(?:^(?=\S*\/)|: |\b(?:create|file|open|openat|mkdir|mkdirat|dir|directory) )([^\s:]+):?$/u

/** The name at the end of a message, before its errno: in quotes, or a word where programs put a name. */
export function nameAtEnd(text: string): string | undefined {
  const quoted = /(?:^|[\s(])(?:'([^']+)'|‘([^’]+)’|"([^"]+)"|`([^`']+)['`])\)?:?$/u.exec(text)
  const name = quoted === null ? unquoted.exec(text)?.[1] : quoted.slice(1).find((one) => one !== undefined)
  return name === undefined || streams.has(name) || /^E[A-Z0-9]+$/.test(name) || name.includes('\0') ? undefined : name
}
