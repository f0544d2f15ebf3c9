import type { Readable, Writable } from 'node:stream'

import type { NativePipes } from '../native/binding.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import { capture, Collection, type OutputListener } from './output.ts'
import type { Ending } from './ending.ts'
import type { StdioMeter } from './limits.ts'
import { defaultMaxBuffer, type CheckedRunOptions } from './run-options.ts'
import { ignore, Supply } from './input.ts'
import { pty } from './terminal.ts'

const same: WireStdio = Object.freeze({ kind: 'same' })

const onTerminal: JobCommand['stdio'] = Object.freeze([pty, pty, pty] as const)
/** Everything that comes from a terminal is stdout. */
const ofTerminal: Pick<CheckedRunOptions, 'stdin' | 'stdout' | 'stderr'> = { stdin: pty, stdout: [pty], stderr: [ignore] }

/** Shared by all commands whose output is only collected, so that their jobs are packed in the same way (wire-job.ts). */
export const collected: JobCommand['stdio'] = Object.freeze([ignore, capture, capture] as const)

/** The standard streams of a command. */
export class Streams {
  readonly #isAll: boolean
  readonly #isPty: boolean
  readonly #ending: Ending
  readonly #stdin: Supply
  readonly #stdout: Collection
  readonly #stderr: Collection

  /** @param meter counts what is read here, where something does; known when the command begins */
  constructor(options: CheckedRunOptions, ending: Ending, meter: () => StdioMeter | undefined) {
    this.#isPty = options.stdio === 'pty'
    const { maxBuffer = defaultMaxBuffer } = options
    const { stdout, stderr } = this.#isPty ? ofTerminal : options
    this.#isAll = options.all === true
    this.#ending = ending
    this.#stdin = new Supply(this.#isPty ? ofTerminal : options)
    this.#stdout = new Collection(stdout, 'stdout', maxBuffer, ending, meter)
    this.#stderr = new Collection(stderr, 'stderr', maxBuffer, ending, meter)
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

  /** Comes before `wire`. */
  hear(listener: OutputListener): void {
    this.#stdout.hear(listener)
    this.#stderr.hear(listener)
  }

  /**
   * The targets for the launch. Later touches do not change them.
   * @throws SystemCallError where a file cannot be opened
   */
  wire(): JobCommand['stdio'] {
    const stdin = this.#stdin.wire()
    const stdout = this.#stdout.wire()
    if (this.#isPty) return onTerminal
    const stderr = this.#isAll ? same : this.#stderr.wire()
    return stdin === ignore && stdout === capture && stderr === capture ? collected : [stdin, stdout, stderr]
  }

  /** The command has begun. Takes over the descriptors. */
  begin([stdin, stdout, stderr]: NativePipes): void {
    if (stdin >= 0) this.#stdin.begin(stdin, this.#ending)
    if (stdout >= 0) this.#stdout.read(stdout)
    if (stderr >= 0) this.#stderr.read(stderr)
  }

  /** The command has ended, or did not begin. Undefined if there is nothing to wait for. */
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
  readonly stdout?: Buffer | undefined
  readonly stderr?: Buffer | undefined
}
