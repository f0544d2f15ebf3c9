import { isUtf8 } from 'node:buffer'
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'

import { SpecError } from '../errors.ts'

type Kinds = 'isDirectory' | 'isFile' | 'isSymbolicLink' | 'isCharacterDevice' | 'isBlockDevice'

/** What stat(2) says of a file, as far as a plan needs it. */
export type FileStatus = Pick<BigIntStats, 'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'gid' | 'rdev' | 'mtimeNs' | Kinds>

/** Everything that a plan asks of the host's file system. Errors are those of Node's functions of these names. */
export interface Host {
  /** From which relative paths go. */
  readonly folder: string
  stat(path: string): FileStatus
  /** Undefined where there is nothing of that name. */
  statIfThere(path: string): FileStatus | undefined
  lstat(path: string): FileStatus
  lstatIfThere(path: string): FileStatus | undefined
  readlink(path: string): string
  /** Of a directory or a regular file only: some runtimes open what they resolve, which a socket answers with an error of its own. */
  realpath(path: string): string
  readdir(path: string): readonly string[]
}

const asked: Host = {
  get folder() {
    return workingFolder()
  },
  stat: (path) => statSync(path, { bigint: true }),
  statIfThere: (path) => statSync(path, { bigint: true, throwIfNoEntry: false }),
  lstat: (path) => lstatSync(path, { bigint: true }),
  lstatIfThere: (path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }),
  readlink: (path) => readlinkSync(path),
  realpath: (path) => realpathSync.native(path),
  readdir: (path) => readdirSync(path),
}

/**
 * What in a folder has a name that is not UTF-8, and all that lies in it: paths from the folder on, as far as they can be decoded. It looks on
 * the spot, also for a plan that is made by answers, whose questions are texts.
 */
export function undecodedIn(folder: string): readonly string[] {
  const paths = readdirSync(folder, 'buffer').filter((name) => !isUtf8(name))
  // It grows meanwhile.
  for (const below of paths) {
    const at = Buffer.concat([Buffer.from(`${folder}/`), below])
    for (const name of lstatSync(at).isDirectory() ? readdirSync(at, 'buffer') : []) paths.push(Buffer.concat([below, Buffer.from('/'), name]))
  }
  return paths.map(String)
}

/** The working directory of this program. Undefined where it was removed. */
export function folderIfThere(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

/** @throws SpecError where the working directory of this program was removed */
export function workingFolder(): string {
  const folder = folderIfThere()
  if (folder === undefined) throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'current folder', 'was removed; work in another one')
  return folder
}

/**
 * The working directory of this program.
 * @throws SpecError as workingFolder, and where its path is not UTF-8: the path that it is decoded to is missing, or is that of another folder
 */
export function currentFolder(folder: string = workingFolder()): string {
  const isOther = folder.includes('\uFFFD') && !isSame(statSync('.', { bigint: true }), statSync(folder, { bigint: true, throwIfNoEntry: false }))
  if (isOther) throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'current folder', `${folder} is not UTF-8; rename it, or work in another folder`)
  return folder
}

/**
 * A path that a caller wrote, from the working directory on.
 * @throws SpecError as currentFolder, where it is relative
 */
export function wholePath(given: string): string {
  return isAbsolute(given) ? resolve(given) : resolve(currentFolder(host().folder), given)
}

export function isSame({ dev, ino }: FileStatus, other: FileStatus | undefined): boolean {
  return other?.dev === dev && other.ino === ino
}

let current = asked

/** The host as the plan that is being made sees it. A plan is made in one go, so there is one at a time. */
export function host(): Host {
  return current
}

/** Makes a plan by answers that are there already (answers.ts). Without it the host is asked on the spot. */
export function answeredBy<T>(answers: Host, plan: () => T): T {
  const before = current
  current = answers
  try {
    return plan()
  } finally {
    current = before
  }
}
