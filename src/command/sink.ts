import { closeSync, constants, createWriteStream, fstatSync, openSync } from 'node:fs'
import type { Writable } from 'node:stream'

import { SystemCallError } from '../errors.ts'
import type { WireStdio } from '../native/wire-job.ts'

// As native code opens a log (native/launch/stdio_ends), for the same reasons: not through a link at its end, and without waiting.
const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants
const logFlags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
const logMode = 0o644

/** Something else that gets a command's output, beside the result. */
export class Sink {
  readonly #stream: Writable
  readonly #isOurs: boolean
  #failure: Error | undefined
  #pending = 0
  #whenWritten: (() => void) | undefined
  readonly #onFailure: (failure: Error) => void
  readonly #onError = (failure: Error): void => {
    this.#failure ??= failure
    this.#onFailure(failure)
    this.#whenWritten?.()
  }

  /** @param isOurs it ends with the command */
  constructor(stream: Writable, isOurs: boolean, onFailure: (failure: Error) => void) {
    this.#stream = stream
    this.#isOurs = isOurs
    this.#onFailure = onFailure
    stream.on('error', this.#onError)
  }

  /** False when the writer should wait for `drain`. */
  write(chunk: Buffer): boolean {
    if (this.#failure !== undefined) return true
    this.#pending += 1
    return this.#stream.write(chunk, () => {
      this.#pending -= 1
      if (this.#pending === 0) this.#whenWritten?.()
    })
  }

  onceDrained(act: () => void): void {
    this.#stream.once('drain', act)
  }

  /** All is written, or has failed. */
  async finish(): Promise<void> {
    if (this.#pending > 0 && this.#failure === undefined) await new Promise<void>((resolve) => (this.#whenWritten = resolve))
    if (this.#isOurs && !this.#stream.closed) await new Promise<void>((resolve) => this.#stream.once('close', resolve).destroy())
    this.#stream.off('error', this.#onError)
  }
}

/**
 * @param own the stream of this program that `inherit` means
 * @throws SystemCallError where a file cannot be opened
 */
export function openSink(target: WireStdio, own: Writable, onFailure: (failure: Error) => void): Sink {
  if (target.kind === 'inherit') return new Sink(own, false, onFailure)
  const path = target.path ?? ''
  return new Sink(createWriteStream(path, { fd: openLog(path) }), true, onFailure)
}

function openLog(path: string): number {
  const descriptor = opened(path)
  const stats = fstatSync(descriptor)
  if (stats.isFile() || stats.isCharacterDevice()) return descriptor
  closeSync(descriptor)
  throw refused('EINVAL', `EINVAL: a log in a list of targets has to be a file, open '${path}' (step stdio)`, path)
}

function opened(path: string): number {
  try {
    return openSync(path, logFlags, logMode)
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException
    throw refused(code, `${message} (step stdio)`, path, (error as NodeJS.ErrnoException).errno)
  }
}

function refused(code: string, message: string, path: string, errno?: number): SystemCallError {
  return new SystemCallError(code, message, { syscall: 'open', path, step: 'stdio', ...(errno !== undefined && { errno }) })
}
