// A worker: puts an action on the disk, has it run, and takes it away again.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { credentials } from '@grpc/grpc-js'

import { RunnerClient } from '../../dist/protocol/services.js'
import { layOut, requestOf } from '../laid-out.mjs'

/** How long an action may be on its way out after its call has ended, in milliseconds. */
const longest = 20_000

export class Worker {
  #place
  #client

  constructor(place) {
    this.#place = place
    this.#client = new RunnerClient(`unix:${place.socket}`, credentials.createInsecure())
    writeFileSync(place.cached, 'given\n', { mode: 0o444 })
  }

  /** @returns `{ answer | error, stdout }` */
  async perform(name, kind, { cancelAfter, deadline }) {
    const at = layOut(this.#place.builds, name, [['given/file', this.#place.cached]])
    const request = requestOf(name, kind.command, { PATH: '/bin:/usr/bin', BUILDJAIL_SOAK: this.#place.mark })
    const options = deadline === undefined ? {} : { deadline: Date.now() + deadline }
    let cancelling
    const outcome = await new Promise((resolve) => {
      const call = this.#client.Run(request, options, (error, answer) => resolve(error === null ? { answer } : { error }))
      if (cancelAfter !== undefined) cancelling = setTimeout(() => call.cancel(), cancelAfter)
    })
    clearTimeout(cancelling)
    const stdout = outcome.answer === undefined ? '' : readFileSync(path.join(at, 'stdout'), 'utf8')
    await this.#remove(at)
    return { ...outcome, stdout }
  }

  async ready() {
    const began = performance.now()
    for (;;) {
      const error = await new Promise((resolve) => this.#client.CheckReadiness({ path: '' }, resolve))
      if (error === null) return
      if (performance.now() - began > longest) throw error
      await sleep(20)
    }
  }

  /** What is in the build directory, and in the cache file. */
  get left() {
    const names = readdirSync(this.#place.builds)
    return readFileSync(this.#place.cached, 'utf8') === 'given\n' ? names : [...names, 'another content in the cache']
  }

  close() {
    this.#client.close()
  }

  // At once, as a worker does: where a call was canceled the action is being killed meanwhile.
  async #remove(at) {
    const began = performance.now()
    for (;;) {
      try {
        rmSync(at, { recursive: true, force: true })
        return
      } catch (error) {
        if (performance.now() - began > longest) throw error
        await sleep(10)
      }
    }
  }
}
