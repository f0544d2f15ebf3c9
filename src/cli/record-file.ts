import { closeSync, constants, fstatSync, ftruncateSync, openSync, realpathSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { invalid } from '../spec/check.ts'
import { isWithin } from '../spec/paths.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
// For the caller alone: a record names paths of the host.
const mode = 0o600
/** What open(2) says of a link with O_NOFOLLOW, on Linux and on FreeBSD. */
const ofLinks: readonly unknown[] = ['ELOOP', 'EMLINK']

/** The file of `--record` or `--page`, which is opened before anything runs. What was in it is kept until it is written. */
export class RecordFile {
  readonly #path: string
  readonly #fd: number
  readonly #isNew: boolean
  #isWritten = false

  /**
   * @param option for the error
   * @throws SpecError when it cannot be written, or is a link.
   */
  constructor(option: string, file: string) {
    this.#path = file
    const made = opened(option, file, O_CREAT | O_EXCL)
    this.#isNew = made !== undefined
    // defence: page-not-written-through
    this.#fd = made ?? opened(option, file, isOfSystem(file) ? 0 : O_NOFOLLOW) ?? refuse(option, file, new Error('it was taken away meanwhile'))
  }

  write(text: string): void {
    if (fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd)
    writeFileSync(this.#fd, text)
    this.#isWritten = true
  }

  /** One that nothing was written to is as it was before. */
  close(): void {
    closeSync(this.#fd)
    if (this.#isNew && !this.#isWritten) unlinkSync(this.#path)
  }
}

/** Where a file lies. The folder as it is named, where it is not there: opening the file tells of that. */
export function realFolderOf(file: string): string {
  const folder = path.dirname(path.resolve(file))
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

/** The links /dev/stdout and /dev/fd/1 lead to what this program has open, and no build makes one there (proc(5), fdescfs(4)). */
function isOfSystem(file: string): boolean {
  const folder = realFolderOf(file)
  return folder === '/dev' || folder === '/dev/fd' || isWithin(folder, '/proc')
}

/** Undefined where it is there already, with O_EXCL, or else is not there. */
function opened(option: string, file: string, flags: number): number | undefined {
  try {
    return openSync(file, flags | O_WRONLY, mode)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === ((flags & O_EXCL) === 0 ? 'ENOENT' : 'EEXIST')) return undefined
    // An earlier build may have left it.
    if (ofLinks.includes(code) && (flags & O_NOFOLLOW) !== 0) throw invalid(option, `${file} is a symbolic link, which is not followed; name the file that it leads to`, error)
    return refuse(option, file, error)
  }
}

function refuse(option: string, file: string, error: unknown): never {
  throw invalid(option, `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`, error)
}
