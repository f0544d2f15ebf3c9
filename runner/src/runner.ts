import type { Server as HttpServer } from 'node:http'
import { Server } from '@grpc/grpc-js'
import { planOf, SessionPool, SpecError, type Spec } from 'buildjail'
import type { Logger } from 'pino'

import { Actions } from './action/actions.ts'
import { buildDirectoryOf, refuseOrdinaryUsers } from './config/build-directory.ts'
import { InvalidConfigError, type Config } from './config/config.ts'
import { launcherService, runnerService } from './protocol/services.ts'
import { runnerHandlers } from './service/handlers.ts'
import { launcherHandlers } from './service/launching.ts'
import { Readiness } from './service/readiness.ts'
import { listen } from './service/socket.ts'
import { Metrics, Monitor } from './monitoring.ts'

/** A request has the arguments and the environment of one command (execve(2), E2BIG). */
const largestRequest = 16 * 1024 * 1024

const answersTakeMs = 1000

/** Serves the workers of one build directory, from `start` to `stop`. */
export class Runner {
  readonly #config: Config
  readonly #log: Logger
  readonly #server: Server
  readonly #pool: SessionPool
  readonly #actions: Actions
  readonly #readiness: Readiness
  readonly #http: HttpServer | undefined
  #stopping: Promise<boolean> | undefined

  private constructor(config: Config, log: Logger, pool: SessionPool, actions: Actions, readiness: Readiness, server: Server, http: HttpServer | undefined) {
    this.#config = config
    this.#log = log
    this.#pool = pool
    this.#actions = actions
    this.#readiness = readiness
    this.#server = server
    this.#http = http
  }

  /** @throws InvalidConfigError naming the field, and whatever opening a session throws; nothing is left behind then. */
  static async start(given: Config, log: Logger): Promise<Runner> {
    refuseOrdinaryUsers()
    const config = { ...given, buildDirectory: buildDirectoryOf(given.buildDirectory) }
    const pool = await poolOf(config)
    let http: HttpServer | undefined
    try {
      const metrics = new Metrics()
      const actions = new Actions(config, pool, new Monitor(log, metrics))
      const readiness = new Readiness(config.buildDirectory, actions.leftovers)
      metrics.watch('buildjail_sessions_left', 'Sessions that could not be taken away.', () => actions.leftovers.size)
      metrics.watch('buildjail_sessions_ready', 'Sessions that wait for an action.', () => pool.ready)
      metrics.watch('buildjail_actions_waiting', 'Actions that wait for their turn.', () => pool.waiting)
      const server = new Server({ 'grpc.max_receive_message_length': largestRequest })
      server.addService(runnerService, runnerHandlers(actions, readiness))
      if (config.launcher !== undefined) server.addService(launcherService, launcherHandlers(actions, { ...config, launcher: config.launcher }))
      if (config.metrics !== undefined) http = await metrics.serve(config.metrics)
      await listen(server, config.socket)
      log.info({ socket: config.socket, buildDirectory: config.buildDirectory, concurrency: config.concurrency }, 'ready')
      return new Runner(config, log, pool, actions, readiness, server, http)
    } catch (error) {
      endHttp(http)
      await pool.close()
      throw error
    }
  }

  /**
   * Takes no new action, waits for those that run, ends what still runs after `drainTimeout`, and takes everything away.
   * @returns false where something could not be taken away
   */
  stop(): Promise<boolean> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Ends what runs without waiting for it. */
  hurry(): void {
    // Answers are under way for a while. A client that does not read its own would hold the runner for ever.
    void this.#actions.stop().then(() => setTimeout(() => this.#server.forceShutdown(), answersTakeMs).unref())
  }

  async #stop(): Promise<boolean> {
    this.#readiness.isDraining = true
    this.#log.info('draining')
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))
    const late = setTimeout(() => this.hurry(), this.#config.drainTimeout)
    await drained
    clearTimeout(late)
    this.#server.forceShutdown()
    endHttp(this.#http)
    await this.#actions.leftovers.tryAgain()
    const isGone = await this.#pool.close().then(
      () => true,
      (error: unknown) => {
        this.#log.error({ err: error }, 'sessions could not be taken away')
        return false
      },
    )
    this.#log.info('stopped')
    return isGone && this.#actions.leftovers.size === 0
  }
}

/** A connection that has asked for nothing would else keep the program, as nothing ends it once the server is closed. */
function endHttp(http: HttpServer | undefined): void {
  http?.close()
  http?.closeAllConnections()
}

async function poolOf({ session, inputRoot, ownership, concurrency, buildDirectory }: Config): Promise<SessionPool> {
  const base: Spec = { name: 'action', ...session, ownership, ...(inputRoot === '/' && nothingOfTheHost(session)) }
  try {
    // The place of the input root is settled here, so that a configuration with something else there is refused at once.
    if (inputRoot !== '/') planOf({ ...base, outputs: { [inputRoot]: buildDirectory } })
    // One more than are in use: a pool makes the next only when one has been taken away, and the worker's next action is there sooner.
    return await SessionPool.open(base, { size: concurrency + 1, maxSessions: concurrency })
  } catch (error) {
    if (error instanceof SpecError) throw new InvalidConfigError(`session.${error.entry}`, error.message)
    throw error
  }
}

/** Where the input root is the root. @throws InvalidConfigError */
function nothingOfTheHost(session: Spec): Spec {
  for (const name of ['toolchain', 'etc'] as const) {
    if (session[name] !== undefined) throw new InvalidConfigError(`session.${name}`, 'has no use where the input root is the root (inputRoot)')
  }
  return { toolchain: 'none', etc: 'none' }
}
