import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

import type { Phases } from '../action/actions.ts'
import type { Metrics as Place } from '../config/fields.ts'

const seconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800]

/** For Prometheus. */
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

  /** What is looked at when it is asked for. */
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
