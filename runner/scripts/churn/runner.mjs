// A runner in a process of its own, which is killed now and then, and one in its place.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export class Runner {
  #configFile
  #child
  /** How often one was begun. */
  generation = 0
  /** What it complained of: sessions that could not be taken away. */
  complaints = []

  constructor(folder, config) {
    this.#configFile = path.join(folder, 'runner.json')
    writeFileSync(this.#configFile, JSON.stringify(config))
  }

  get pid() {
    return this.#child.pid
  }

  /** Resolves when it listens. */
  async start() {
    this.generation += 1
    const child = spawn(process.execPath, [program, '--config', this.#configFile], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    await new Promise((resolve, reject) => {
      child.once('exit', (status) => reject(new Error(`the runner ended with ${status}`)))
      createInterface(child.stdout).on('line', (line) => {
        const { msg, level, ...more } = JSON.parse(line)
        if (msg === 'ready') resolve()
        if (level >= 50) this.complaints.push(`${msg}: ${JSON.stringify(more)}`)
      })
    })
  }

  /** Resolves when another one listens. */
  async replace() {
    await this.end('SIGKILL')
    await this.start()
  }

  /** @returns its exit status */
  async end(signal) {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill(signal)
      await exit
    }
    return this.#child.exitCode
  }
}
