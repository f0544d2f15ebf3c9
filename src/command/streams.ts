import type { Readable, Writable } from 'node:stream'

import type { NativePipes } from '../native/binding.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import { capture, Collection } from './collection.ts'
import type { Ending } from './ending.ts'
import { defaultMaxBuffer, type CheckedRunOptions } from './run-options.ts'
import { ignore, Supply } from './supply.ts'

const same: WireStdio = Object.freeze({ kind: 'same' })

/** Shared by all commands whose output is only collected, so that their jobs are packed in the same way (wire-job.ts). */
export const collected: JobCommand['stdio'] = Object.freeze([ignore, capture, capture] as const)

/** The standard streams of a command. */
export class Streams {
  readonly #isAll: boolean
  readonly #ending: Ending
  readonly #stdin: Supply
  readonly #stdout: Collection
  readonly #stderr: Collection

  constructor(options: CheckedRunOptions, ending: Ending) {
    const { maxBuffer = defaultMaxBuffer, stdout, stderr } = options
    this.#isAll = options.all === true
    this.#ending = ending
    this.#stdin = new Supply(options)
    this.#stdout = new Collection(stdout, 'stdout', maxBuffer, ending)
    this.#stderr = new Collection(stderr, 'stderr', maxBuffer, ending)
  }

  get stdin(): Writable | null {
    return this.#stdin.writable()
  }

  get stdout(): Readable | null {
    return this.#isAll ? null : this.#stdout.readable()
  }

  get stderr(): Readable | null {
    return this.#isAll ? null : this.#stderr.readable()
  }

  get all(): Readable | null {
    return this.#isAll ? this.#stdout.readable() : null
  }

  /**
   * The targets for the launch. Later touches do not change them.
   * @throws SystemCallError where a file cannot be opened
   */
  wire(): JobCommand['stdio'] {
    const stdin = this.#stdin.wire()
    const stdout = this.#stdout.wire()
    const stderr = this.#isAll ? same : this.#stderr.wire()
    return stdin === ignore && stdout === capture && stderr === capture ? collected : [stdin, stdout, stderr]
  }

  /** The command has begun. Takes over the descriptors. */
  begin([stdin, stdout, stderr]: NativePipes): void {
    if (stdin >= 0) this.#stdin.begin(stdin, this.#ending)
    if (stdout >= 0) this.#stdout.read(stdout)
    if (stderr >= 0) this.#stderr.read(stderr)
  }

  /** The command has ended, or did not begin. Undefined where nothing has to be waited for. */
  finish(captured: Captured | undefined): Promise<unknown> | undefined {
    this.#stdin.over()
    const finishing = [this.#stdout.finish(captured?.stdout), this.#stderr.finish(captured?.stderr)].filter((finish) => finish !== undefined)
    return finishing.length === 0 ? undefined : Promise.all(finishing)
  }

  /** The collected output, once all is finished. */
  get collected(): Captured {
    return { stdout: this.#stdout.bytes, stderr: this.#stderr.bytes }
  }
}

/** Output of a command. */
export interface Captured {
  readonly stdout: Buffer | undefined
  readonly stderr: Buffer | undefined
}
