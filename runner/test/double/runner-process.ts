import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** A runner in a process of its own, with a build directory that goes with it. */
export class RunnerProcess {
  readonly folder: string
  readonly socket: string
  readonly buildDirectory: string
  /** Its log, a line each. */
  readonly lines: string[] = []
  readonly #configFile: string
  #process: ChildProcess | undefined

  constructor(more: Readonly<Record<string, unknown>> = {}) {
    this.folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-runner-')))
    chmodSync(this.folder, 0o755)
    this.socket = path.join(this.folder, 'runner.sock')
    this.buildDirectory = path.join(this.folder, 'builds')
    mkdirSync(this.buildDirectory, { mode: 0o700 })
    this.#configFile = path.join(this.folder, 'runner.json')
    writeFileSync(this.#configFile, JSON.stringify({ socket: this.socket, buildDirectory: this.buildDirectory, concurrency: 2, ...more }))
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /**
   * Resolves when it listens.
   * @param log that its log goes to instead of `lines`, a descriptor
   */
  async start(log?: number): Promise<this> {
    const child = spawn(process.execPath, [program, '--config', this.#configFile], { stdio: ['ignore', log ?? 'pipe', 'pipe'] })
    this.#process = child
    let complaints = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    const ready = new Promise<void>((resolve, reject) => {
      child.once('exit', (status) => reject(new Error(`the runner ended with ${status}: ${complaints}`)))
      if (child.stdout === null) return void untilThere(this.socket).then(resolve)
      createInterface(child.stdout).on('line', (line) => {
        this.lines.push(line)
        if (line.includes('"msg":"ready"')) resolve()
      })
    })
    await ready
    return this
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** @returns its exit status */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [status] = (await exit) as [number | null]
    return status
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function untilThere(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20))
}
