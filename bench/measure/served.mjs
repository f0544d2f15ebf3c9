// A peer that is a program of its own: it is asked for samples a block at a time, so that it can be measured in turn with
// what runs here.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class Served {
  #child
  #lines
  #complaints = ''

  /** The program reads requests such as `cold 20` from stdin and prints a line of nanoseconds a sample, then `done`. What is no
   * time is told in millionths. */
  constructor(file, args, options = {}) {
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
    this.#child.stderr.on('data', (text) => (this.#complaints += text))
    // Told when the next line is asked for and does not come.
    this.#child.on('error', (error) => (this.#complaints += error.message))
    this.#child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.name = file
  }

  /** The next so many samples: of each, its parts in milliseconds. */
  async block(request, count) {
    this.#child.stdin.write(`${request} ${count}\n`)
    const samples = []
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`${this.name} ended early: ${this.#complaints}`)
      if (value === 'done') return samples
      samples.push(value.split(' ').map((ns) => Number(ns) / 1e6))
    }
  }

  /** Resolves when the program has ended. */
  async close() {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.stdin.end()
      await ended
    }
  }
}
