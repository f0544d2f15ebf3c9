import { closeSync, constants, createWriteStream, fstatSync, openSync } from 'node:fs'
import { Readable, type Writable } from 'node:stream'

import { SystemCallError } from '../errors.ts'
import type { WireStdio } from '../native/wire-job.ts'
import type { Ending } from './ending.ts'
import type { StdioMeter } from './limits.ts'
import { outputPipe, readableOf, takeRest, whenEnded } from './stdio.ts'
import { pty } from './terminal.ts'

export const capture: WireStdio = Object.freeze({ kind: 'capture' })
/** Called with the chunks of an output stream that are read here. */
export type OutputListener = (name: 'stdout' | 'stderr', chunk: Buffer) => void

const collectedOnly: readonly WireStdio[] = Object.freeze([Object.freeze({ kind: 'pipe' } as const)])

/**
 * How one output stream of a command is collected: by native code, which costs the least, or through a pipe that is read here, if there is a listener before
 * the command begins, or more than one target.
 */
export class Collection {
  readonly #targets: readonly WireStdio[]
  readonly #name: 'stdout' | 'stderr'
  readonly #maxBuffer: number
  readonly #ending: Ending
  readonly #meterOf: () => StdioMeter | undefined
  #heard: OutputListener | undefined
  #output: Output | undefined
  #captured: Buffer | undefined
  #isOver = false
  #pipe: { readonly stream: Readable; readonly descriptor: number } | undefined

  constructor(targets: readonly WireStdio[] | undefined, name: 'stdout' | 'stderr', maxBuffer: number, ending: Ending, meter: () => StdioMeter | undefined) {
    this.#targets = targets ?? collectedOnly
    this.#name = name
    this.#maxBuffer = maxBuffer
    this.#ending = ending
    this.#meterOf = meter
  }

  get #isCollected(): boolean {
    return this.#targets.some(({ kind }) => kind === 'pipe') || this.#isTerminal
  }

  get #isTerminal(): boolean {
    return this.#targets[0] === pty
  }

  get #meter(): StdioMeter | undefined {
    // Native code counts the output of a terminal.
    return this.#isTerminal ? undefined : this.#meterOf()
  }

  /** To be called before the command begins. Output that is passed on without being read here is not heard. */
  hear(listener: OutputListener): void {
    this.#heard = listener
    if (this.#isCollected) this.#output ??= this.#makeOutput()
  }

  /** Null if the result has none of it. */
  readable(): Readable | null {
    if (!this.#isCollected) return null
    if (this.#output === undefined) {
      this.#output = this.#makeOutput()
      if (this.#isOver) void this.#finish(this.#output)
    }
    return this.#output.readable()
  }

  /**
   * The target for the launch. Later touches do not change it.
   * @throws SystemCallError where a file cannot be opened
   */
  wire(): WireStdio {
    const [first] = this.#targets
    if (this.#isTerminal) this.#output ??= this.#makeOutput()
    if (this.#targets.length > 1) this.#tee()
    else if (first !== undefined && first.kind !== 'pipe') return first
    return this.#output === undefined ? capture : outputPipe
  }

  /** The command has begun. Takes over the descriptor. */
  read(descriptor: number): void {
    const stream = readableOf(descriptor)
    this.#pipe = { stream, descriptor }
    // The command's end reports how it ended.
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => this.#write(chunk, stream))
  }

  /**
   * The command has ended, or did not begin. Undefined if there is nothing to wait for.
   * @param captured by native code
   */
  finish(captured?: Buffer): Promise<void> | undefined {
    this.#captured = captured
    this.#isOver = true
    return this.#output === undefined ? undefined : this.#finish(this.#output)
  }

  /** The collected output, once it is finished. */
  get bytes(): Buffer | undefined {
    return this.#pipe === undefined ? this.#captured : this.#output?.bytes
  }

  async #finish(output: Output): Promise<void> {
    if (this.#captured !== undefined) output.write(this.#captured)
    // Native code has the other end of a terminal, and closes it once everything is there.
    if (this.#pipe !== undefined && this.#isTerminal) await whenEnded(this.#pipe.stream)
    else if (this.#pipe !== undefined) await takeRest(this.#pipe.stream, this.#pipe.descriptor, (chunk) => this.#take(chunk, output))
    await output.end()
  }

  #write(chunk: Buffer, stream: Readable): void {
    const full = this.#output === undefined ? [] : this.#take(chunk, this.#output)
    let waited = full.length
    if (waited === 0) return
    stream.pause()
    for (const sink of full) {
      sink.onceDrained(() => {
        waited -= 1
        if (waited === 0) stream.resume()
      })
    }
  }

  #take(chunk: Buffer, output: Output): ReturnType<Output['write']> {
    const allowed = this.#meter?.count(chunk) ?? chunk
    if (allowed.length === 0) return []
    this.#heard?.(this.#name, allowed)
    return output.write(allowed)
  }

  #tee(): void {
    const output = (this.#output ??= this.#makeOutput())
    for (const target of this.#targets) {
      if (target.kind !== 'pipe') output.tee(openSink(target, process[this.#name], (failure) => this.#fail(target, failure)))
    }
  }

  #fail({ kind }: WireStdio, failure: NodeJS.ErrnoException): void {
    // The reader of a pipe of this program is gone. The command gets EPIPE from its own pipe, as it would from the inherited one.
    if (kind === 'inherit' && failure.code === 'EPIPE' && !this.#isCollected) this.#pipe?.stream.destroy()
    else this.#ending.failOutput(failure)
  }

  #makeOutput(): Output {
    return new Output(this.#isCollected ? this.#maxBuffer : undefined, () => this.#ending.overflow())
  }
}

/** One output stream of a command: keeps it for the result, and passes it on to sinks and to a Readable. */
export class Output {
  /** Undefined if nothing is kept. */
  readonly #maxBuffer: number | undefined
  readonly #sinks: Sink[] = []
  readonly #onOverflow: () => void
  #kept: Buffer[] = []
  #size = 0
  #readable: Readable | undefined
  #isOver = false

  /** @param maxBuffer bytes; undefined: the result has nothing of it */
  constructor(maxBuffer: number | undefined, onOverflow: () => void) {
    this.#maxBuffer = maxBuffer
    this.#onOverflow = onOverflow
  }

  /** Everything from here on goes to the sink, too. */
  tee(sink: Sink): void {
    this.#sinks.push(sink)
  }

  /** All kept bytes. */
  get bytes(): Buffer {
    const [first] = this.#kept
    if (first === undefined || this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept, this.#size)]
    return this.#kept[0] as Buffer
  }

  /** All kept bytes, from the beginning, as they come. A slow reader does not hold up the command, because the result keeps the same bytes anyway. */
  readable(): Readable {
    if (this.#readable !== undefined) return this.#readable
    const readable = new Readable({ read: () => {} })
    this.#readable = readable
    for (const chunk of this.#kept) readable.push(chunk)
    if (this.#isOver) readable.push(null)
    return readable
  }

  /** Returns the sinks that should drain before more is written. */
  write(chunk: Buffer): readonly Sink[] {
    if (this.#maxBuffer !== undefined) this.#keep(chunk, this.#maxBuffer)
    return this.#sinks.filter((sink) => !sink.write(chunk))
  }

  /** No more output comes. */
  async end(): Promise<void> {
    this.#isOver = true
    this.#readable?.push(null)
    await Promise.all(this.#sinks.map((sink) => sink.finish()))
  }

  #keep(chunk: Buffer, most: number): void {
    const room = most - this.#size
    const fitting = chunk.length <= room ? chunk : chunk.subarray(0, room)
    if (fitting.length > 0) {
      this.#kept.push(fitting)
      this.#size += fitting.length
      this.#readable?.push(fitting)
    }
    if (fitting !== chunk) this.#onOverflow()
  }
}

// As native code opens a log (native/launch/stdio_ends), for the same reasons: not through a link at its end, and without waiting.
const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants
const logFlags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
const logMode = 0o644

/** Another target of a command's output, besides the result. */
class Sink {
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
    // Many commands may write to the same stream.
    if (!isOurs) allowListeners(stream, 1)
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

  /** Waits until everything is written, or has failed. */
  async finish(): Promise<void> {
    if (this.#pending > 0 && this.#failure === undefined) await new Promise<void>((resolve) => (this.#whenWritten = resolve))
    if (this.#isOurs && !this.#stream.closed) await new Promise<void>((resolve) => this.#stream.once('close', resolve).destroy())
    this.#stream.off('error', this.#onError)
    if (!this.#isOurs) allowListeners(this.#stream, -1)
  }
}

/** 0 stands for any number (EventEmitter). */
function allowListeners(stream: Writable, more: 1 | -1): void {
  const most = stream.getMaxListeners()
  if (most > 0) stream.setMaxListeners(most + more)
}

/**
 * @param own the stream of this program that `inherit` means
 * @throws SystemCallError where a file cannot be opened
 */
function openSink(target: WireStdio, own: Writable, onFailure: (failure: Error) => void): Sink {
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
