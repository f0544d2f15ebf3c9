// Builds by the thousand, with somebody killed now and then, and a look after what is left.
import { setTimeout as sleep } from 'node:timers/promises'

import { addTo, leakKinds, moreOf, newIn, stillIn } from './census.mjs'
import { choose } from './choices.mjs'
import { ControllerProcess } from './controller-process.mjs'
import { ownOutputs, takeCensus } from './host.mjs'

/** After that many everything is let come to rest, and looked at. */
const buildsPerRound = 100
/** So many before a controller's own descriptors are counted, for what it opens once. */
const warmUp = 30

/**
 * @typedef {object} Outcome
 * @property {{ ended: number, lost: number }} builds
 * @property {{ builds: number, controllers: number }} kills that took place
 * @property {string[]} wrong results that were not as they should be
 * @property {Record<string, number>} leaks
 * @property {string[]} found the leaks by name
 * @property {{ controller: Memory, soak: Memory }} memory
 * @property {number} seconds
 * @property {number} seed
 * @typedef {{ start: number | undefined, end: number | undefined }} Memory resident, in bytes
 */

/** One soak. `run` is called once. */
export class Soak {
  #asked
  #place
  #onProgress
  #next = 0
  #typicalMs = 30
  #census = {}
  #isStopped = false
  /** @type {Outcome} */
  outcome

  /**
   * @param {ReturnType<import('./arguments.mjs').parseArguments>} asked
   * @param {import('./place.mjs').Place} place
   * @param {(standing: { builds: number, kills: number, leaks: number }) => void} onProgress
   */
  constructor(asked, place, onProgress = () => {}) {
    this.#asked = asked
    this.#place = place
    this.#onProgress = onProgress
    this.outcome = {
      builds: { ended: 0, lost: 0 },
      kills: { builds: 0, controllers: 0 },
      wrong: [],
      leaks: {},
      found: [],
      memory: { controller: { start: undefined, end: undefined }, soak: { start: process.memoryUsage.rss(), end: undefined } },
      seconds: 0,
      seed: asked.seed,
    }
  }

  async run() {
    const began = performance.now()
    this.#census = await this.#look([])
    this.outcome.leaks = Object.fromEntries(leakKinds.filter((kind) => kind in this.#census || kind === 'descriptors').map((kind) => [kind, 0]))
    while (this.#isWanted) await this.#live()
    this.outcome.seconds = (performance.now() - began) / 1000
    this.outcome.memory.soak.end = process.memoryUsage.rss()
    return this.outcome
  }

  /** No more builds; what runs is seen to its end. */
  stop() {
    this.#isStopped = true
  }

  get #isWanted() {
    return !this.#isStopped && this.#next < this.#asked.builds
  }

  /** One controller, until it is killed or nothing is left to do. */
  async #live() {
    const controller = new ControllerProcess(this.#place.setting)
    await this.#round(controller, warmUp)
    const first = await controller.rest()
    this.outcome.memory.controller.start ??= first?.rss
    let last = first
    while (this.#isWanted && !controller.isOver) {
      await this.#round(controller, buildsPerRound)
      if (controller.isOver) break
      last = (await controller.rest()) ?? last
      await this.#settle([controller.pid])
    }
    this.#noteDescriptors(first, last)
    this.outcome.memory.controller.end = last?.rss ?? this.outcome.memory.controller.end
    this.#note(await controller.close())
    await this.#settle([])
  }

  /** So many builds, as many at once as was asked for. */
  async #round(controller, count) {
    const end = this.#next + count
    const slots = this.#place.outputs.map(async (output) => {
      while (this.#isWanted && this.#next < end && !controller.isOver) await this.#build(controller, output, this.#next++)
    })
    await Promise.all(slots)
  }

  async #build(controller, output, build) {
    const { kind, way, victim, moment, target } = choose(this.#asked.seed, build, this.#asked.kill)
    const afterMs = moment * this.#typicalMs
    const kill = victim === 'build' ? { afterMs, target } : undefined
    let isKilled = false
    const killing = victim === 'controller' ? setTimeout(() => (isKilled = controller.kill()), afterMs) : undefined
    const ended = await controller.perform({ build, kind, way, place: { input: this.#place.input, output }, kill })
    clearTimeout(killing)
    this.outcome.kills.controllers += isKilled ? 1 : 0
    this.outcome.kills.builds += ended.isKilled === true ? 1 : 0
    this.#note(ended.wrong)
    if (ended.ms === undefined && ended.wrong === undefined) this.outcome.builds.lost += 1
    else this.outcome.builds.ended += 1
    if (ended.ms !== undefined) this.#typicalMs += (ended.ms - this.#typicalMs) / 20
    const { builds, kills, leaks } = this.outcome
    this.#onProgress({
      builds: builds.ended + builds.lost,
      kills: kills.builds + kills.controllers,
      leaks: Object.values(leaks).reduce((sum, count) => sum + count, 0),
    })
  }

  /** Waits until everything is as it was; what is not in time is counted, once. */
  async #settle(parents) {
    const began = performance.now()
    let now = await this.#look(parents)
    let left = newIn(this.#census, now)
    while (Object.keys(left).length > 0 && performance.now() - began < this.#asked.within) {
      await sleep(20)
      now = await this.#look(parents)
      left = stillIn(left, now)
    }
    this.#count(left)
    this.#census = { ...now, 'lent outputs': [] }
    if (left['lent outputs'] !== undefined) ownOutputs(this.#place.outputs)
  }

  #look(parents) {
    const { stateDirectory, mark } = this.#place.setting
    return takeCensus({ stateDirectory, mark, outputs: this.#place.outputs, parents: [process.pid, ...parents], hasController: parents.length > 0 })
  }

  #noteDescriptors(first, last) {
    const more = moreOf(first?.descriptors ?? [], last?.descriptors ?? [])
    if (more.length > 0) this.#count({ descriptors: more.map((kind) => `a ${kind} of a controller`) })
  }

  #count(found) {
    addTo(this.outcome.leaks, found)
    for (const [kind, names] of Object.entries(found)) this.outcome.found.push(...names.map((name) => `${kind}: ${name}`))
  }

  #note(wrong) {
    if (wrong !== undefined) this.outcome.wrong.push(wrong)
  }
}
