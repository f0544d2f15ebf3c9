// The program that is killed: does the builds that it is told to on stdin, and tells of them on stdout, a line of JSON each.
// It ends when stdin does.
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'

import { openSession } from '../../dist/index.js'
import { kinds } from './kinds.mjs'

const { stateDirectory, mark } = JSON.parse(process.argv[2])
const openFiles = process.platform === 'freebsd' ? '/dev/fd' : '/proc/self/fd'

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/**
 * @param {{ build: number, kind: string, place: import('./kinds.mjs').Place, kill?: { afterMs: number, target: string } }} order
 */
async function perform({ build, kind, place, kill }) {
  const began = performance.now()
  const { spec, work, expected } = kinds[kind]
  const killing = new Killing(kill)
  let came
  try {
    const session = await openSession({ name: 'soak', stateDirectory, environment: { BUILDJAIL_SOAK: mark }, ...spec(place) })
    killing.aim(session)
    try {
      came = await work(session)
    } catch (error) {
      came = error.code ?? String(error)
    } finally {
      await killing.over()
      await session.close()
    }
  } catch (error) {
    // Not the command's: neither opening nor closing may fail, not even for a build that was killed.
    tell({ ended: build, wrong: `${kind}: ${error.message}` })
    return
  }
  const isRight = isDeepStrictEqual(came, expected) || killing.hasKilled
  const wrong = isRight ? undefined : `${kind}: ${JSON.stringify(came).slice(0, 200)} came of it`
  tell({ ended: build, ms: performance.now() - began, isKilled: killing.hasKilled, wrong })
}

/** SIGKILL to all that a build is, after a time; at once when it is open only then. */
class Killing {
  hasKilled = false
  #target
  #session
  #timer
  #isDue = false
  #killed = Promise.resolve()

  constructor(kill) {
    if (kill === undefined) return
    this.#target = kill.target
    this.#timer = setTimeout(() => this.#fire(), kill.afterMs)
  }

  aim(session) {
    this.#session = session
    if (this.#isDue) this.#fire()
  }

  /** The build has ended by itself, or by this. */
  over() {
    clearTimeout(this.#timer)
    this.#session = undefined
    return this.#killed
  }

  #fire() {
    this.#isDue = true
    if (this.#session === undefined) return
    this.hasKilled = true
    // It may be being closed, which kills as well.
    this.#killed = killBuild(this.#session, this.#target).catch(() => {})
  }
}

async function killBuild(session, target) {
  const record = target === 'envelope' && process.platform === 'linux' ? await session.record() : undefined
  const init = /^\/proc\/(\d+)\//.exec(record?.root ?? '')?.[1]
  // Its pid is nobody else's while the session is open, as it was not waited for.
  if (init === undefined) await session.killAll()
  else process.kill(Number(init), 'SIGKILL')
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  if (order.isCount) tell({ descriptors: readdirSync(openFiles).length, rss: process.memoryUsage.rss() })
  else void perform(order)
}
