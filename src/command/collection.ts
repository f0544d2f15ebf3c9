import type { Readable } from 'node:stream'

import type { WireStdio } from '../native/wire-job.ts'
import type { Ending } from './ending.ts'
import { isHandedOn } from './limits.ts'
import type { OutputMeter } from './output-meter.ts'
import { Output } from './output.ts'
import { openSink } from './sink.ts'
import { outputPipe, readableOf, takeRest, whenEnded } from './stdio.ts'
import { pty } from './terminal.ts'

export const capture: WireStdio = Object.freeze({ kind: 'capture' })
/** Called with what is read here of an output stream. */
export type OutputListener = (name: 'stdout' | 'stderr', chunk: Buffer) => void

const collectedOnly: readonly WireStdio[] = Object.freeze([Object.freeze({ kind: 'pipe' } as const)])

/**
 * How one output stream of a command is collected: by native code, which costs the least, or through a pipe that is read here, where
 * somebody listens before the command begins or there are more targets than one.
 */
export class Collection {
  readonly #targets: readonly WireStdio[]
  readonly #name: 'stdout' | 'stderr'
  readonly #maxBuffer: number
  readonly #ending: Ending
  readonly #meter: OutputMeter | undefined
  #heard: OutputListener | undefined
  #output: Output | undefined
  #captured: Buffer | undefined
  #isOver = false
  #pipe: { readonly stream: Readable; readonly descriptor: number } | undefined

  constructor(targets: readonly WireStdio[] | undefined, name: 'stdout' | 'stderr', maxBuffer: number, ending: Ending, meter: OutputMeter | undefined) {
    this.#targets = targets ?? collectedOnly
    this.#name = name
    this.#maxBuffer = maxBuffer
    this.#ending = ending
    // What comes from a terminal was counted by native code.
    this.#meter = this.#isTerminal ? undefined : meter
  }

  get #isCollected(): boolean {
    return this.#targets.some(({ kind }) => kind === 'pipe') || this.#isTerminal
  }

  get #isTerminal(): boolean {
    return this.#targets[0] === pty
  }

  /** What would be handed on goes by here, where it is to be counted. */
  get #isPassedOn(): boolean {
    const [first] = this.#targets
    return this.#meter !== undefined && first !== undefined && isHandedOn(first, this.#name === 'stdout' ? 1 : 2)
  }

  /** Comes before the command begins. What is handed on without being read here is not heard. */
  hear(listener: OutputListener): void {
    this.#heard = listener
    if (this.#isCollected) this.#output ??= this.#makeOutput()
  }

  /** Null where the result has nothing of it. */
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
    if (this.#targets.length > 1 || this.#isPassedOn) this.#tee()
    else if (first !== undefined && first.kind !== 'pipe') return first
    return this.#output === undefined ? capture : outputPipe
  }

  /** The command has begun. Takes over the descriptor. */
  read(descriptor: number): void {
    const stream = readableOf(descriptor)
    this.#pipe = { stream, descriptor }
    // How it ends is told by the command's end.
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => this.#write(chunk, stream))
  }

  /**
   * The command has ended, or did not begin. Undefined where nothing has to be waited for.
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
    // Of a terminal native code has the other end, and closes it when everything is there.
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
    this.#meter?.count(chunk.length)
    this.#heard?.(this.#name, chunk)
    return output.write(chunk)
  }

  #tee(): void {
    const output = (this.#output ??= this.#makeOutput())
    for (const target of this.#targets) {
      if (target.kind !== 'pipe') output.tee(openSink(target, process[this.#name], (failure) => this.#ending.failOutput(failure)))
    }
  }

  #makeOutput(): Output {
    return new Output(this.#isCollected ? this.#maxBuffer : undefined, () => this.#ending.overflow())
  }
}
