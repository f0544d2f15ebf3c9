import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'

import { probe } from './compiled-probe.ts'

/** The compiled test/probe/holder.c; empty where there is no compiler. */
export const holderProgram: string = 'folder' in probe ? path.join(probe.folder, 'holder') : ''

/** A process of the host that holds something of a session until it is ended. */
export class HolderProcess implements AsyncDisposable {
  readonly pid: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child
    this.pid = pid
  }

  /** Resolves once it holds `what`. */
  static async start(kind: string, what: string, program = holderProgram): Promise<HolderProcess> {
    const child = spawn(program, [kind, what], { stdio: ['pipe', 'pipe', 'pipe'] })
    const complaint = text(child.stderr)
    const [answer] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[]
    if (child.pid === undefined || String(answer) !== 'held\n') throw new Error(`holder ${kind} ${what}: ${await complaint}`)
    return new HolderProcess(child, child.pid)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const over = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await over
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }
}
