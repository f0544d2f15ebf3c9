// A subject that is a program of its own: it is asked for samples a block at a time, so that several can be measured in turn.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export class Served {
  #child
  #lines
  #complaints = ''

  /** The program reads requests such as `cold 20` from stdin and answers each with lines and a last one, `done`. */
  constructor(file, args) {
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.on('data', (text) => (this.#complaints += text))
    // Told when the next line is asked for and does not come.
    this.#child.on('error', (error) => (this.#complaints += error.message))
    this.#child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.name = file
  }

  async lines(request, count) {
    this.#child.stdin.write(`${request} ${count}\n`)
    const lines = []
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`${this.name} ended early: ${this.#complaints}`)
      if (value === 'done') return lines
      lines.push(value)
    }
  }

  /** A subject (turns.mjs) of samples that the program prints in nanoseconds, or of other numbers in millionths. */
  subject(request) {
    return async (count) => (await this.lines(request, count)).map((ns) => Number(ns) / 1e6)
  }

  /** Resolves when the program has ended. */
  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.stdin.end()
    await once(this.#child, 'close')
  }
}

/** The other end, of a program that is JavaScript: answers requests until stdin ends. @param {Record<string, (count: number) => Promise<number[]>>} subjects in milliseconds */
export async function serveRequests(subjects) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [request, count] = line.split(' ')
    const samples = await subjects[request](Number(count))
    process.stdout.write(`${samples.map((ms) => `${Math.round(ms * 1e6)}\n`).join('')}done\n`)
  }
}
