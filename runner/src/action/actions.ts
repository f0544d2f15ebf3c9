import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { status } from '@grpc/grpc-js'
import type { LimitName, Session, SessionPool } from 'buildjail'

import type { Config } from '../config/config.ts'
import type { RunRequest, RunResponse } from '../protocol/messages.ts'
import { Refusal, refusalOf } from '../refusal.ts'
import { Leftovers } from './leftovers.ts'
import { outcomeOf, type Ended, type Phases } from './outcome.ts'
import { actionOf, type Action } from './request.ts'
import { recordOf, writeServerLog, type ServerLog } from './server-log.ts'

/** Hears what happens to actions (monitoring.ts). */
export interface ActionListener {
  /** A command has run, and its session is closed. */
  ran(session: string, command: readonly string[], result: Ended, phases: Phases): void
  /** A command has not run. */
  refused(command: readonly string[], refusal: Refusal): void
  /** A session could not be closed. */
  left(session: string, error: unknown): void
  /** The server log of an action could not be written. */
  unlogged(session: string, error: unknown): void
}

/** A command, and the session that it needs. */
export type Work = Pick<Action, 'inputRoot' | 'additions' | 'command'>

/**
 * How a command is run in its session: it is called once, and the session ends when its promise is settled. On abort the command is killed
 * by SIGKILL, with all that it started.
 */
export type Start = (session: Session, signal: AbortSignal) => PromiseLike<Ended>

interface Over {
  readonly result: Ended
  /** Closed. */
  readonly session: Session
  /** Set if the action was cut short. The listener has heard of it as of any action that ran. */
  readonly refusal: Refusal | undefined
}

const { O_APPEND, O_NOFOLLOW, O_WRONLY } = constants

/** Runs actions, each in a session of its own from a pool. When it answers, the session is closed: nothing writes to the worker's folders any more. */
export class Actions {
  readonly leftovers: Leftovers = new Leftovers()
  readonly #config: Config
  readonly #pool: SessionPool
  readonly #listener: ActionListener
  /** By input root: an action whose worker gave up may still be on its way out when the worker tries it again in the same folder. */
  readonly #ending = new Map<string, Promise<unknown>>()
  readonly #stopping = new AbortController()

  constructor(config: Config, pool: SessionPool, listener: ActionListener) {
    this.#config = config
    this.#pool = pool
    this.#listener = listener
  }

  /** Ends every action, at once. Resolves when all are over. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Refusal(status.UNAVAILABLE, 'the runner is shutting down'))
    await Promise.all(this.#ending.values())
  }

  /**
   * @param gone aborted if the worker no longer waits for the answer
   * @throws Refusal
   */
  async run(request: RunRequest, gone: AbortSignal): Promise<RunResponse> {
    let over: Over
    try {
      over = await this.#runAction(actionOf(request, this.#config), gone)
    } catch (error) {
      const refusal = refusalOf(error)
      this.#listener.refused(request.arguments, refusal)
      throw refusal
    }
    if (over.refusal !== undefined) throw over.refusal
    return outcomeOf(over.result)
  }

  async #runAction(action: Action, gone: AbortSignal): Promise<Over> {
    const { cwd, env, stdout, stderr, command } = action
    let log: ServerLog | undefined
    const start: Start = (session, signal) =>
      session.run(command, { signal, killSignal: 'SIGKILL', reject: false, cwd, env, stdout: { file: stdout }, stderr: { file: stderr } })
    const over = await this.runAlone(action, start, gone, async (live, ended) => {
      if (this.#wantsLog(action, ended)) log = { command, cwd, result: plainResult(ended), session: await recordOf(live) }
    })
    const { result, session, refusal } = over
    // Its folders are the worker's again.
    if (refusal !== undefined) return over
    if (result.limit !== undefined) await say(stderr, `${limitLine(result.limit)}\n`)
    if (log !== undefined && action.serverLogs !== undefined) {
      // The action has ended, and its answer needs no server log.
      await writeServerLog(action.serverLogs, log, session).catch((error: unknown) => this.#listener.unlogged(session.id, error))
    }
    return over
  }

  /**
   * Runs something in a session of its own and takes that away.
   * @param ended is called while the session is still there
   * @returns also where the action was cut short, with its refusal
   * @throws Refusal and what else went wrong. A session that could not be taken away is among the leftovers.
   */
  async runAlone(
    { inputRoot, additions, command }: Work,
    start: Start,
    gone: AbortSignal,
    ended: (session: Session, result: Ended) => Promise<void> = async () => {},
  ): Promise<Over> {
    const signal = AbortSignal.any([gone, this.#stopping.signal])
    const before = this.#ending.get(inputRoot)
    const working = this.#alone(additions, command, before, start, signal, ended)
    const settled = Promise.allSettled([working])
    this.#ending.set(inputRoot, settled)
    try {
      return await working
    } finally {
      if (this.#ending.get(inputRoot) === settled) this.#ending.delete(inputRoot)
    }
  }

  async #alone(
    additions: Work['additions'],
    command: Work['command'],
    before: Promise<unknown> | undefined,
    start: Start,
    signal: AbortSignal,
    ended: (session: Session, result: Ended) => Promise<void>,
  ): Promise<Over> {
    await before
    const phases: Phases = { acquire: 0, run: 0, close: 0 }
    const lap = stopwatch()
    // A worker that has given up takes its folders away, and must not find them again.
    const session = await this.#pool.acquire(additions, { signal, makeOutputs: false })
    phases.acquire = lap()
    let result: Ended
    try {
      result = await start(session, signal)
      phases.run = lap()
      if (!signal.aborted) await ended(session, result)
    } finally {
      lap()
      // defence: worker-answer-when-everything
      await this.#close(session)
      phases.close = lap()
    }
    this.#listener.ran(session.id, command, result, phases)
    return { result, session, refusal: signal.aborted ? refusalOf(signal.reason) : undefined }
  }

  async #close(session: Session): Promise<void> {
    try {
      await session.close()
    } catch (error) {
      this.leftovers.add(session, error)
      this.#listener.left(session.id, error)
      throw error
    }
  }

  #wantsLog({ serverLogs }: Action, { failed }: Ended): boolean {
    return serverLogs !== undefined && (this.#config.serverLogs === 'all' || (this.#config.serverLogs === 'failed' && failed))
  }
}

/** Returns the milliseconds since it was called last. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const passed = now - last
    last = now
    return passed
  }
}

function plainResult({ exitCode, signal, limit, durationMs, usage }: Ended): ServerLog['result'] {
  return { exitCode, signal, limit, durationMs, usage }
}

/** For the client, which sees of the worker nothing but the output of its command. */
export function limitLine(limit: LimitName): string {
  return `buildjail: limits.${limit} of this worker ended the command`
}

async function say(stderr: string, text: string): Promise<void> {
  const file = await open(stderr, O_WRONLY | O_APPEND | O_NOFOLLOW)
  try {
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}
