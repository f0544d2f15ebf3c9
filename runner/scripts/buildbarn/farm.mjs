// A storage, a scheduler, and two workers, each with a buildjail-runner of its own.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { schedulerConfiguration, storageConfiguration, workerConfiguration } from './configuration.mjs'
import { Program } from './program.mjs'

const runnerProgram = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Of each worker. */
export const concurrency = 2

export class Farm {
  #top
  #files
  #sockets
  #programs = {}
  #isEnding = false
  /** Each `{ kind, name, buildDirectory, cache, runner, concurrency }`; the runner's is the path of its socket. */
  workers

  /**
   * @param {string} top a folder
   * @param {Readonly<Record<string, string>>} files Buildbarn's programs
   * @param {'native' | 'virtual'} kind of the workers' build directories
   */
  constructor(top, files, kind) {
    this.#top = top
    this.#files = files
    this.#sockets = Object.fromEntries(['storage', 'scheduler', 'workers'].map((name) => [name, path.join(top, `${name}.sock`)]))
    this.workers = ['one', 'two'].map((name) => {
      const [buildDirectory, cache] = ['build', 'cache'].map((what) => path.join(top, name, what))
      return { kind, name, buildDirectory, cache, runner: path.join(top, `runner-${name}.sock`), concurrency }
    })
  }

  /** For the client. */
  get address() {
    return `unix://${this.#sockets.storage}`
  }

  /** Resolves when it takes actions: they wait for the workers, which come by themselves. */
  async start() {
    const sockets = this.#sockets
    await this.#startBuildbarn('storage', 'bb_storage', storageConfiguration(sockets), () => existsSync(sockets.storage))
    await this.#startBuildbarn('scheduler', 'bb_scheduler', schedulerConfiguration(sockets), () => existsSync(sockets.scheduler) && existsSync(sockets.workers))
    for (const worker of this.workers) await this.#startWorker(worker)
  }

  /** Kills the process of a worker (`worker-one`) or of its runner (`runner-one`). Resolves when there is another in its place. */
  async replace(name) {
    await this.#programs[name].end('SIGKILL')
    if (name.startsWith('worker-')) this.#unmount(this.workers.find((worker) => name === `worker-${worker.name}`))
    await this.#programs[name].start()
  }

  /** How many actions with a word the runner of each worker has run. */
  actionsWith(word) {
    const logs = this.workers.map(({ name }) => this.#programs[`runner-${name}`].log)
    return logs.map((log) => log.split('\n').filter((line) => line.includes('"msg":"action"') && line.includes(word)).length)
  }

  /** What the workers have not taken away. */
  get inBuildDirectories() {
    return this.workers.flatMap(({ buildDirectory }) => readdirSync(buildDirectory).map((name) => path.join(buildDirectory, name)))
  }

  /**
   * Workers first, as they would complain of whom they have lost. Those that are over already stay so.
   * @returns how each program ended
   */
  async end() {
    this.#isEnding = true
    const ended = {}
    for (const name of Object.keys(this.#programs).reverse()) ended[name] = await this.#programs[name].end('SIGTERM')
    this.workers.forEach((worker) => this.#unmount(worker))
    return ended
  }

  /** What every program has said. */
  get logs() {
    return Object.entries(this.#programs).map(([name, { log }]) => `--- ${name} ---\n${log}`).join('')
  }

  async #startWorker(worker) {
    const { kind, name, buildDirectory, cache, runner } = worker
    for (const folder of [buildDirectory, cache]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const ownership = kind === 'virtual' ? 'unchanged' : 'folder'
    const config = this.#write(`runner-${name}`, { socket: runner, buildDirectory, concurrency, ownership, drainTimeout: 5000 })
    await this.#start(`runner-${name}`, [process.execPath, runnerProgram, '--config', config], (log) => log.includes('"msg":"ready"'))
    await this.#startBuildbarn(`worker-${name}`, 'bb_worker', workerConfiguration(this.#sockets, worker), () => true)
  }

  #startBuildbarn(name, program, configuration, serves) {
    return this.#start(name, [this.#files[program], this.#write(name, configuration)], serves)
  }

  #start(name, words, serves) {
    if (this.#isEnding) throw new Error('the farm is ending')
    this.#programs[name] = new Program(name, path.join(this.#top, `${name}.log`), words, serves)
    return this.#programs[name].start()
  }

  /** A worker that was killed has left its file system. */
  #unmount({ kind, buildDirectory }) {
    if (kind === 'virtual') spawnSync('umount', ['--lazy', buildDirectory])
  }

  #write(name, configuration) {
    const file = path.join(this.#top, `${name}.json`)
    writeFileSync(file, JSON.stringify(configuration))
    return file
  }
}
