import type { Logger } from 'pino'

import type { Ended, Phases } from '../action/actions.ts'
import type { Refusal } from '../refusal.ts'
import type { Metrics } from './metrics.ts'

/** Tells the operator what happens: a line in the log, and the metrics. */
export class Told {
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

  refused(command: readonly string[], refusal: Refusal): Refusal {
    this.#metrics.refused()
    this.#log.warn({ command, code: refusal.code, problem: refusal.message }, 'action refused')
    return refusal
  }

  left(session: string, error: unknown): void {
    this.#log.error({ session, err: error }, 'a session could not be taken away')
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
