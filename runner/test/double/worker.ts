import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import path from 'node:path'
import { credentials, type Client, type ServiceError } from '@grpc/grpc-js'

import { layOut, requestOf } from '../../scripts/laid-out.mjs'
import type { RunRequest, RunResponse } from '../../src/protocol/messages.ts'
import { RunnerClient } from '../../src/protocol/services.ts'

/** An action as a worker lays it out on the disk. */
export interface LaidOut {
  readonly name: string
  /** On the host. */
  readonly root: string
  readonly request: RunRequest
  stdout(): string
  stderr(): string
  /** What the worker does when it has stored the outputs. */
  remove(): void
}

interface Call {
  readonly answer: Promise<RunResponse>
  cancel(): void
}

/** What Buildbarn's worker does with its runner, as far as the runner can see it. */
export class Worker {
  readonly #buildDirectory: string
  readonly #client: Client & Record<string, (...args: unknown[]) => { cancel(): void }>
  #count = 0

  constructor(buildDirectory: string, socket: string) {
    this.#buildDirectory = buildDirectory
    this.#client = new RunnerClient(`unix:${socket}`, credentials.createInsecure()) as never
  }

  /**
   * The input root has the files as hard links of a cache, read-only, and folders as mkdir(2) makes them.
   * @param cache files by their path in the input root, with the file that each is a link of
   */
  lay(command: readonly string[], { cache = {}, folders = [], request = {} }: { cache?: Readonly<Record<string, string>>; folders?: readonly string[]; request?: Partial<RunRequest> } = {}): LaidOut {
    this.#count += 1
    const name = this.#count.toString(16).padStart(16, '0')
    const at = layOut(this.#buildDirectory, name, Object.entries(cache))
    for (const folder of folders) mkdirSync(path.join(at, 'root', folder), { recursive: true })
    return {
      name,
      root: path.join(at, 'root'),
      request: { ...requestOf(name, command, { PATH: '/bin:/usr/bin' }), ...request },
      stdout: () => readFileSync(path.join(at, 'stdout'), 'utf8'),
      stderr: () => readFileSync(path.join(at, 'stderr'), 'utf8'),
      remove: () => rmSync(at, { recursive: true }),
    }
  }

  /** Puts a file into the cache, read-only as the worker's are. */
  cached(name: string, text: string, mode = 0o444): string {
    const folder = path.join(this.#buildDirectory, '..', 'cache')
    if (!existsSync(folder)) mkdirSync(folder)
    const file = path.join(folder, name)
    writeFileSync(file, text)
    chmodSync(file, mode)
    return file
  }

  run(request: RunRequest, options: { deadline?: number } = {}): Call {
    return this.#call<RunResponse>('Run', request, options)
  }

  async ready(name = ''): Promise<void> {
    await this.#call('CheckReadiness', { path: name }, {}).answer
  }

  close(): void {
    this.#client.close()
  }

  #call<Response>(method: string, request: object, { deadline }: { deadline?: number }): { answer: Promise<Response>; cancel(): void } {
    let call: { cancel(): void } | undefined
    const answer = new Promise<Response>((resolve, reject) => {
      const options = deadline === undefined ? {} : { deadline: Date.now() + deadline }
      call = this.#client[method]?.(request, options, (error: ServiceError | null, response: Response) => (error === null ? resolve(response) : reject(error)))
    })
    return { answer, cancel: () => call?.cancel() }
  }
}
