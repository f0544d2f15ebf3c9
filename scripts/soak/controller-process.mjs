// One life of controller.mjs, as seen by the soak: builds are handed to it, and it may be killed.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('controller.mjs', import.meta.url))
const patienceMs = 120_000

/**
 * @typedef {object} Ended
 * @property {number} [ms] how long it took; without it the controller was gone before the build was over
 * @property {boolean} [isKilled]
 * @property {string} [wrong] what should not be
 */

export class ControllerProcess {
  #process
  #builds = new Map()
  #counted = () => {}
  #isKilled = false
  /** Resolves, once it is over, with what should not be, or nothing. */
  ended

  /** @param {{ stateDirectory: string, mark: string }} setting */
  constructor(setting) {
    this.#process = spawn(process.execPath, [program, JSON.stringify(setting)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdin.on('error', () => {})
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#hear(JSON.parse(line)))
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        for (const end of this.#builds.values()) end({})
        this.#counted(undefined)
        const how = signal ?? `exit code ${code}`
        resolve(this.#isKilled || code === 0 ? undefined : `a controller ended by itself: ${how}`)
      })
    })
  }

  get pid() {
    return this.#process.pid
  }

  get isOver() {
    return this.#isKilled || this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** @returns {Promise<Ended>} */
  perform(order) {
    const ended = new Promise((resolve) => this.#builds.set(order.build, resolve))
    this.#say(order)
    const patience = setTimeout(() => {
      this.#end(order.build, { wrong: `${order.kind}: was not over after ${patienceMs / 1000} s` })
      this.kill()
    }, patienceMs)
    return ended.finally(() => clearTimeout(patience))
  }

  /**
   * Has it hold nothing open, between builds.
   * @returns {Promise<{ descriptors: string[], rss: number } | undefined>} what it has open, by kind, and its resident memory
   */
  rest() {
    const counted = new Promise((resolve) => (this.#counted = resolve))
    this.#say({ isRest: true })
    return this.isOver ? Promise.resolve(undefined) : counted
  }

  /** SIGKILL. False when it is over already. */
  kill() {
    if (this.isOver) return false
    this.#isKilled = true
    return this.#process.kill('SIGKILL')
  }

  /** Lets it end by itself. */
  close() {
    this.#process.stdin.end()
    return this.ended
  }

  #say(line) {
    this.#process.stdin.write(`${JSON.stringify(line)}\n`)
  }

  #hear(line) {
    if (line.ended === undefined) this.#counted(line)
    else this.#end(line.ended, line)
  }

  #end(build, ended) {
    this.#builds.get(build)?.(ended)
    this.#builds.delete(build)
  }
}
