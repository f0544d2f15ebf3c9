import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

import { isWithin } from '../paths.ts'

/** A URL in the configuration of a tool. */
export interface NamedUrl {
  readonly url: string
  /** The variable or file that names it. */
  readonly from: string
  /** The author of the project wrote it, and not the user of this host. */
  readonly isOfProject: boolean
}

/** Bytes. Lock files are the longest. */
const longestFile = 64 * 1024 * 1024

export type Variables = Readonly<Record<string, string | undefined>>

/** Configuration on this host, as a tool that is started in a folder finds it. A file that cannot be read is none. */
export class Machine {
  readonly cwd: string
  readonly env: Variables
  readonly home: string
  /** PATH, without the folders that npm puts before it: programs in these are of a project. */
  readonly path: readonly string[]

  constructor(cwd: string, env: Variables) {
    this.cwd = path.resolve(cwd)
    this.env = env
    this.home = env['HOME'] ?? homedir()
    this.path = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder) && !/\/node_modules\/\.bin\/?$/.test(folder))
  }

  /** The variable, unless it is empty. */
  variable(name: string): string | undefined {
    return this.env[name] === '' ? undefined : this.env[name]
  }

  text(file: string): string | undefined {
    try {
      // A project can have a pipe there, at which reading never ends.
      const stats = statSync(file)
      return stats.isFile() && stats.size <= longestFile ? readFileSync(file, 'utf8') : undefined
    } catch {
      return undefined
    }
  }

  names(folder: string): readonly string[] {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  }

  /**
   * The working directory and the folders around it, the nearest first. A folder of another owner, or one in which everybody can write, such as /tmp,
   * ends the list: other users of the host could put configuration there.
   */
  get folders(): readonly string[] {
    const found = [this.cwd]
    const owner = statSync(this.cwd, { throwIfNoEntry: false })?.uid
    for (let folder = path.dirname(this.cwd); folder !== found.at(-1); folder = path.dirname(folder)) {
      const stats = statSync(folder, { throwIfNoEntry: false })
      // defence: configuration-others-not-read
      if (stats === undefined || stats.uid !== owner || (stats.mode & 0o002) !== 0) break
      found.push(folder)
    }
    return found
  }

  /** The nearest file of a name, in the working directory or around it. */
  nearest(name: string): { readonly file: string; readonly text: string } | undefined {
    for (const folder of this.folders) {
      const text = this.text(path.join(folder, name))
      if (text !== undefined) return { file: path.join(folder, name), text }
    }
    return undefined
  }

  /**
   * Whether the author of the project, or an earlier build in an output, may have written a file: it is in the working directory or in the repository
   * around that. The home is no project, and neither is a folder around it.
   */
  isOfProject(file: string): boolean {
    const repository = this.folders.find((folder) => this.names(folder).includes('.git'))
    const projects = [this.cwd, repository ?? this.cwd].filter((folder) => !isWithin(this.home, folder))
    return projects.some((folder) => isWithin(file, folder))
  }

  /** Programs on PATH of a name, by what their links lead to. */
  programs(name: string): readonly string[] {
    return this.path.flatMap((folder) => {
      try {
        return [realpathSync.native(path.join(folder, name))]
      } catch {
        return []
      }
    })
  }
}
