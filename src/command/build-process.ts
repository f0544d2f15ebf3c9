import { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'

import { BuildjailError, typed } from '../errors.ts'
import type { NativeEnvelope, NativeExit, NativeLaunched } from '../native/binding.ts'
import type { PreparedLaunch } from './prepared-launch.ts'
import { checkSignal } from './signal.ts'
import { readableOf, writableOf } from './stdio.ts'

/** Resources a command used, its waited-for children included (wait4(2), getrusage(2)). */
export interface Usage {
  readonly userUs: number
  readonly systemUs: number
  /**
   * As getrusage(2) counts it. Up to execve(2) the child shares the memory of the process that launches it, and is charged
   * for it, so that this can be the size of that process where the command itself is smaller.
   */
  readonly maxRssBytes: number
}

export interface BuildProcessEvents {
  /** The command is running. */
  spawn: []
  /** The command has ended: its exit status, or the name of the signal that ended it. */
  exit: [code: number | null, signal: string | null]
  /** After `exit`, once its pipes are at their end as well. */
  close: [code: number | null, signal: string | null]
  /** The command could not be started; no `exit` follows. */
  error: [error: Error]
}

const nothing = (): void => {}

/** A command in a session, in the words of Node's ChildProcess. */
export class BuildProcess extends EventEmitter<BuildProcessEvents> {
  /** Of the host's numbering. Undefined until `spawn`. */
  pid: number | undefined
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  exitCode: number | null = null
  signalCode: string | null = null
  /** True once `kill()` had somebody to send a signal to. */
  killed = false
  usage: Usage | undefined
  readonly spawnfile: string
  readonly spawnargs: readonly string[]
  /**
   * Settles once it is over or could not be started, whenever that is asked for.
   * @internal
   */
  readonly ended: Promise<void>
  readonly #envelope: NativeEnvelope
  readonly #prepared: PreparedLaunch
  #resolveEnded = (): void => {}
  #rejectEnded = (_failure: Error): void => {}
  #exit: NativeExit | undefined
  /** Signals for a command that is still being launched; undefined once it runs or could not be started. */
  #early: NodeJS.Signals[] | undefined = []

  /** @internal */
  constructor(envelope: NativeEnvelope, prepared: PreparedLaunch, { stdio, spawned }: NativeLaunched) {
    super()
    this.spawnfile = prepared.argv[0]
    this.spawnargs = prepared.argv
    this.#envelope = envelope
    this.#prepared = prepared
    this.ended = new Promise((resolve, reject) => {
      this.#resolveEnded = resolve
      this.#rejectEnded = reject
    })
    // Nobody need ask: there are the events.
    this.ended.catch(() => {})
    this.stdin = stdio[0] < 0 ? null : writableOf(stdio[0])
    this.stdout = stdio[1] < 0 ? null : readableOf(stdio[1])
    this.stderr = stdio[2] < 0 ? null : readableOf(stdio[2])
    // Where it cannot be started, what was written to it finds nobody; that is told by `error` already.
    this.stdin?.on('error', nothing)
    spawned.then((pid) => this.#start(pid), (error: unknown) => this.#fail(error))
  }

  /**
   * How it ended, and what was captured of it (see the `capture` of wire.ts); after `exit`.
   * @internal
   */
  get exit(): NativeExit | undefined {
    return this.#exit
  }

  /**
   * Signals the command and what it started in its process group; one that is still being launched, as it starts. 0 sends
   * nothing and only asks. False when it is over.
   * @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` when there is no such signal.
   */
  kill(signal: NodeJS.Signals | 0 = 'SIGTERM'): boolean {
    if (signal !== 0) checkSignal(signal)
    const isLaunching = this.#early !== undefined
    const isOver = !isLaunching && (this.pid === undefined || this.#exit !== undefined)
    if (isOver || signal === 0) return !isOver
    this.#early?.push(signal)
    const sent = isLaunching || this.#envelope.kill(this.#prepared.run, signal)
    this.killed ||= sent
    return sent
  }

  #start(pid: number): void {
    this.pid = pid
    const early = this.#early ?? []
    this.#early = undefined
    for (const signal of early) this.#envelope.kill(this.#prepared.run, signal)
    this.stdin?.off('error', nothing)
    this.emit('spawn')
    // What was started has an exit.
    this.#prepared.whenEnded((end) => 'failure' in end || this.#end(end))
  }

  #fail(error: unknown): void {
    this.#prepared.forget()
    this.#early = undefined
    // Nobody is at the other end of any.
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy()
    const cause = typed(error)
    const failure = cause instanceof Error ? cause : new BuildjailError('ERR_BUILDJAIL_COMMAND_FAILED', String(cause))
    this.#rejectEnded(failure)
    this.emit('error', failure)
  }

  #end(exit: NativeExit): void {
    this.#exit = exit
    this.exitCode = exit.exitCode ?? null
    this.signalCode = exit.signal ?? null
    this.usage = { userUs: exit.userUs, systemUs: exit.systemUs, maxRssBytes: exit.maxRssBytes }
    this.stdin?.destroy()
    this.#resolveEnded()
    this.emit('exit', this.exitCode, this.signalCode)
    const open = [this.stdout, this.stderr].filter((stream) => stream !== null).filter((stream) => !stream.closed && !stream.readableEnded)
    // What nobody reads is read to its end all the same, as ChildProcess does: a descriptor would stay open otherwise. Not at
    // once, so that whoever waits for the exit can still begin to read.
    setImmediate(() => {
      for (const stream of open) if (stream.readableFlowing === null) stream.resume()
    })
    let left = open.length
    const close = (): void => {
      left -= 1
      if (left <= 0) this.emit('close', this.exitCode, this.signalCode)
    }
    if (left === 0) close()
    else for (const stream of open) stream.once('close', close)
  }
}
