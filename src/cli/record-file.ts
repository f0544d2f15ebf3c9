import { closeSync, constants, fstatSync, ftruncateSync, openSync, unlinkSync, writeFileSync } from 'node:fs'

import { invalid } from '../spec/check.ts'

const { O_CREAT, O_EXCL, O_WRONLY } = constants
// For the caller alone: a record names paths of the host.
const mode = 0o600

/** The file of `--record` or `--page`, which is opened before anything runs. What was in it is kept until it is written. */
export class RecordFile {
  readonly #path: string
  readonly #fd: number
  readonly #isNew: boolean
  #isWritten = false

  /**
   * @param option for the error
   * @throws SpecError when it cannot be written.
   */
  constructor(option: string, path: string) {
    this.#path = path
    const made = opened(option, path, O_CREAT | O_EXCL)
    this.#isNew = made !== undefined
    this.#fd = made ?? opened(option, path, 0) ?? refuse(option, path, new Error('it was taken away meanwhile'))
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

/** Undefined where it is there already, with O_EXCL, or else is not there. */
function opened(option: string, path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags | O_WRONLY, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === (flags === 0 ? 'ENOENT' : 'EEXIST')) return undefined
    return refuse(option, path, error)
  }
}

function refuse(option: string, path: string, error: unknown): never {
  throw invalid(option, `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, error)
}
