import { binding } from '../native/load.ts'

/**
 * Counts what is read here of a command's stdout and stderr, for `output` of its limits. Native code has the sum, with what it reads
 * itself, and ends the command.
 */
export class OutputMeter {
  readonly #most: number
  #read = 0
  #job = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The command has begun. */
  begin(job: number): void {
    this.#job = job
  }

  count(bytes: number): void {
    this.#read += bytes
    // defence: this-program-reads-command
    binding().spendOutput(this.#job, bytes)
  }

  /** Also by what was read when the command had ended, and nobody could end it any more. */
  get isOver(): boolean {
    return this.#read > this.#most
  }
}
