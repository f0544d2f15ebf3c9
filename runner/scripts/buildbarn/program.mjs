// A process of the farm. What it says goes to a file, to be shown where something is not as it should be.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a program may take to serve, and to end, in milliseconds. */
const longest = 60_000

export class Program {
  #name
  #logFile
  #words
  #serves
  #child

  /**
   * @param {string} name
   * @param {string} logFile
   * @param {readonly string[]} words
   * @param {(log: string) => boolean} serves whether it does; the log is what this process of it has said
   */
  constructor(name, logFile, words, serves) {
    this.#name = name
    this.#logFile = logFile
    this.#words = words
    this.#serves = serves
  }

  get log() {
    return readFileSync(this.#logFile, 'utf8')
  }

  /** Resolves when it serves. After an end it may be called again. */
  async start() {
    const [file, ...words] = this.#words
    const log = openSync(this.#logFile, 'a')
    const said = this.log.length
    this.#child = spawn(file, words, { stdio: ['ignore', log, log] })
    closeSync(log)
    const began = performance.now()
    while (!this.#serves(this.log.slice(said))) {
      if (this.#isOver) throw new Error(`${this.#name} ended at once: ${this.#ending}`)
      if (performance.now() - began > longest) throw new Error(`${this.#name} does not serve`)
      await sleep(20)
    }
  }

  /**
   * @param {'SIGTERM' | 'SIGKILL'} signal what does not end by it soon is killed
   * @returns its exit status, or the signal that ended it
   */
  async end(signal) {
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), longest)
    if (!this.#isOver) {
      const exit = once(this.#child, 'exit')
      this.#child.kill(signal)
      await exit
    }
    clearTimeout(killer)
    return this.#ending
  }

  get #isOver() {
    return this.#ending !== null
  }

  get #ending() {
    return this.#child.exitCode ?? this.#child.signalCode
  }
}
