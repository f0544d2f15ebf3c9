import type { Readable } from 'node:stream'

import type { WireStdio } from '../native/wire-job.ts'
import type { Ending } from './ending.ts'
import { Output } from './output.ts'
import { openSink } from './sink.ts'
import { outputPipe, readableOf, takeRest } from './stdio.ts'

export const capture: WireStdio = Object.freeze({ kind: 'capture' })
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
  #output: Output | undefined
  #captured: Buffer | undefined
  #isOver = false
  #pipe: { readonly stream: Readable; readonly descriptor: number } | undefined

  constructor(targets: readonly WireStdio[] | undefined, name: 'stdout' | 'stderr', maxBuffer: number, ending: Ending) {
    this.#targets = targets ?? collectedOnly
    this.#name = name
    this.#maxBuffer = maxBuffer
    this.#ending = ending
  }

  get #isCollected(): boolean {
    return this.#targets.some(({ kind }) => kind === 'pipe')
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
    if (this.#targets.length > 1) this.#tee()
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
    if (this.#pipe !== undefined) await takeRest(this.#pipe.stream, this.#pipe.descriptor, (chunk) => output.write(chunk))
    await output.end()
  }

  #write(chunk: Buffer, stream: Readable): void {
    const full = this.#output?.write(chunk) ?? []
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
