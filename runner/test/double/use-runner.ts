import { afterAll, afterEach, beforeAll } from 'vitest'

import { RunnerProcess } from './runner-process.ts'
import { Worker, type LaidOut } from './worker.ts'

type Configured = Readonly<Record<string, unknown>>

/** One runner for the tests of a file, and a worker that talks with it. */
export interface Serving {
  readonly runner: RunnerProcess
  readonly worker: Worker
}

export function useRunner(more: Configured | (() => Configured) = {}): Serving {
  const serving = {} as { runner: RunnerProcess; worker: Worker }
  beforeAll(async () => {
    serving.runner = await new RunnerProcess(typeof more === 'function' ? more() : more).start()
    serving.worker = new Worker(serving.runner.buildDirectory, serving.runner.socket)
  })
  afterAll(async () => {
    serving.worker.close()
    await serving.runner.end()
    serving.runner.remove()
  })
  return serving
}

/** Each runner that a test starts is gone after it. */
export function useRunners(): (more?: Configured) => Promise<Serving> {
  const started: Serving[] = []
  afterEach(async () => {
    for (const { runner, worker } of started.splice(0)) {
      worker.close()
      await runner.end('SIGKILL')
      runner.remove()
    }
  })
  return async (more) => {
    const runner = await new RunnerProcess(more).start()
    const serving = { runner, worker: new Worker(runner.buildDirectory, runner.socket) }
    started.push(serving)
    return serving
  }
}

/** Runs one to its end. */
export async function done(worker: Worker, action: LaidOut): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const { exitCode } = await worker.run(action.request).answer
  return { exitCode, stdout: action.stdout(), stderr: action.stderr() }
}
