import type { NativeSpend } from '../native/binding.ts'

/**
 * Spends what is read here of a command's stdout and stderr from its output budget (`limits.output`). Native code has the budget, spends
 * what it reads itself from the same one, and ends the command.
 */
export class OutputMeter {
  #spend: NativeSpend | undefined
  #isOver = false

  /** The command has begun. */
  begin(spend: NativeSpend | undefined): void {
    this.#spend = spend
  }

  count(bytes: number): void {
    // defence: this-program-reads-command
    if (this.#spend?.(bytes) === false) this.#isOver = true
  }

  /** What was read after the command's end counts as well, though there is no command to end any more. */
  get isOver(): boolean {
    return this.#isOver
  }
}
