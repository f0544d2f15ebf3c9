import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { Logger } from 'pino'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

import type { ActionListener } from './action/actions.ts'
import type { Ended, Phases } from './action/outcome.ts'
import type { Metrics as Place } from './config/config.ts'
import type { Refusal } from './refusal.ts'

const seconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800]

/** The metrics of a runner, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #ended = new Counter({ name: 'buildjail_actions_total', help: 'Actions that ended, by how.', labelNames: ['outcome'], registers: [this.#registry] })
  readonly #phases = new Histogram({
    name: 'buildjail_action_phase_seconds',
    help: 'What an action took: to get its session, to run, and to have the session taken away.',
    labelNames: ['phase'],
    buckets: seconds,
    registers: [this.#registry],
  })

  /** A figure that is read when Prometheus asks. */
  watch(name: string, help: string, look: () => number): void {
    void new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(look())
      },
    })
  }

  ran(outcome: string, phases: Phases): void {
    this.#ended.inc({ outcome })
    for (const [phase, ms] of Object.entries(phases)) this.#phases.observe({ phase }, ms / 1000)
  }

  refused(): void {
    this.#ended.inc({ outcome: 'refused' })
  }

  /** Serves them at `/metrics`. @throws the error of listen(2) */
  async serve({ host, port }: Place): Promise<Server> {
    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end()
      this.#registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      )
    })
    server.listen(port, host)
    await once(server, 'listening')
    return server
  }
}

/** Tells the operator what happens to actions: a line in the log, and the metrics. */
export class Monitor implements ActionListener {
  readonly #log: Logger
  readonly #metrics: Metrics

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log
    this.#metrics = metrics
  }

  ran(session: string, command: readonly string[], result: Ended, phases: Phases): void {
    const { exitCode, signal, limit, isCanceled, usage } = result
    this.#metrics.ran(outcomeOf(result), phases)
    this.#log.info({ session, command, exitCode, signal, limit, isCanceled, usage, ms: rounded(phases) }, 'action')
  }

  refused(command: readonly string[], refusal: Refusal): void {
    this.#metrics.refused()
    this.#log.warn({ command, code: refusal.code, problem: refusal.message }, 'action refused')
  }

  left(session: string, error: unknown): void {
    this.#log.error({ session, err: error }, 'a session could not be taken away')
  }

  unlogged(session: string, error: unknown): void {
    this.#log.warn({ session, err: error }, 'a server log could not be written')
  }
}

function outcomeOf({ isCanceled, limit, signal, exitCode }: Ended): string {
  if (isCanceled) return 'canceled'
  if (limit !== undefined) return 'limit'
  if (signal !== undefined) return 'signal'
  return exitCode === 0 ? 'success' : 'failure'
}

function rounded(phases: Phases): Phases {
  const { acquire, run, close } = phases
  const [a, r, c] = [acquire, run, close].map((ms) => Math.round(ms * 100) / 100) as [number, number, number]
  return { acquire: a, run: r, close: c }
}
