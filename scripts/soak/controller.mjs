// The program that is killed: does the builds that it is told to on stdin, and tells of them on stdout, a line of JSON each.
// It ends when stdin does.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import { build as buildOnce, openSession, SessionPool } from '../../dist/index.js'
import { moreOf } from './census.mjs'
import { kinds } from './kinds.mjs'
import { kindOfDescriptor, openAtRest, openDescriptors } from './open-descriptors.mjs'

const { stateDirectory, mark } = JSON.parse(process.argv[2])

const base = { name: 'soak', stateDirectory, env: { BUILDJAIL_SOAK: mark } }
/** What a build can add to the base of a pool; the rest is of the base. */
const additions = ['inputs', 'output']
/** Streams close what they read from a moment after their end. */
const closingMs = 1000
let pool
let openAtFirst

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/**
 * @param {{ build: number, kind: string, way: string, place: import('./kinds.mjs').Place, kill?: { afterMs: number, target: string } }} order
 */
async function perform({ build, kind, way, place, kill }) {
  const began = performance.now()
  const { spec, work, expected, isByRun } = kinds[kind]
  const killing = new Killing(kill)
  let came
  try {
    // One that is to be killed has to be known.
    if (way === 'build' && isByRun && kill === undefined) {
      came = await outcomeOf(work({ run: (command, options) => buildOnce({ ...base, ...spec(place) }, command, options) }))
    } else {
      const session = await sessionBy(way, spec(place))
      killing.aim(session)
      came = await outcomeOf(work(session))
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

/** What came of it, or the code of the error that did. */
function outcomeOf(work) {
  return work.catch((error) => error.code ?? String(error))
}

async function sessionBy(way, spec) {
  if (way !== 'pool' || Object.keys(spec).some((key) => !additions.includes(key))) return openSession({ ...base, ...spec })
  pool ??= SessionPool.open(base)
  return (await pool).acquire(spec)
}

/** Until the next build nothing is open. */
async function rest() {
  await (await pool)?.close()
  pool = undefined
  const descriptors = openAtFirst === undefined ? await openOnce() : await openNow()
  openAtFirst ??= descriptors
  tell({ descriptors, rss: process.memoryUsage.rss() })
}

/** What is more than at first may be of a blank that is being made, or closed in a moment. */
async function openNow() {
  const began = performance.now()
  for (;;) {
    const open = openDescriptors().map(kindOfDescriptor)
    if (moreOf(openAtFirst, open).length === 0 || performance.now() - began > closingMs) return open
    await sleep(20)
  }
}

/** What a program opens at its first command of a kind, and has from then on: those of terminals, and /etc as sessions have it. */
async function openOnce() {
  for (const { spec, work } of [kinds['more files in memory, and terminals of its own'], kinds['a file of its own in /etc']]) {
    const session = await openSession({ ...base, ...spec({}), output: undefined })
    await work(session)
    await session.close()
  }
  return openAtRest()
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
  if (order.isRest) void rest()
  else void perform(order)
}
