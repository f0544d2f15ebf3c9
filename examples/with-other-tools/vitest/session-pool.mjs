// A pool of Vitest (4 or later) whose workers run in a session each: Vitest itself, with its watcher, its reporters and its configuration,
// runs on the host, and the files of tests see the project, read-only, and what else the spec declares.
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'

import { openSession } from 'buildjail'

import { reader, write } from './frames.mjs'

const worker = fileURLToPath(new URL('session-worker.mjs', import.meta.url))

/** For `test.pool`. @param spec beside what each worker gets */
export const sessionPool = (spec = {}) => ({ name: 'session', createPoolWorker: (options) => new SessionWorker(spec, options) })

class SessionWorker {
  name = 'session'
  #spec
  #options
  #events = new EventEmitter()
  #session
  #child

  constructor(spec, options) {
    this.#spec = spec
    this.#options = options
  }

  async start() {
    if (this.#session !== undefined) return
    const { project, env } = this.#options
    const { root } = project.config
    // At its own place: the module graph has names of files in it, and so have the stacks of errors.
    this.#session = await openSession({ toolchain: ['host', 'node'], cwd: root, ...this.#spec, inputs: { [root]: root, ...this.#spec.inputs } })
    const added = Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== process.env[name] && value !== undefined))
    const child = this.#session.spawn(['node', worker], { stdio: ['pipe', 'pipe', 'pipe'], env: added })
    // `exit` says why there is no reader any more.
    child.stdin.on('error', () => {})
    child.stdout.on('data', reader((message) => this.#events.emit('message', message)))
    child.stderr.pipe(project.vitest.logger.errorStream, { end: false })
    child.on('exit', (code, signal) => this.#events.emit('exit', code, signal))
    child.on('error', (error) => this.#events.emit('error', error))
    this.#child = child
  }

  async stop() {
    await this.#session?.close()
    this.#session = undefined
  }

  send(message) {
    write(this.#child.stdin, message)
  }

  on(event, listener) {
    this.#events.on(event, listener)
  }

  off(event, listener) {
    this.#events.off(event, listener)
  }

  deserialize(data) {
    return data
  }
}
