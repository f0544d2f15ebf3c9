import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

import { typed } from '../errors.ts'
import { expectJob, forgetJob, jobError, type JobEnd } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import type { NativePipes } from '../native/binding.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import { checkCommand, refuseSplitCommand, type Command } from './command.ts'
import { Ending } from './ending.ts'
import { launchError } from './launch-error.ts'
import { StdioMeter } from './limits.ts'
import { prepare, type Place, type Prepared } from './place.ts'
import type { Usage } from './result.ts'
import { checkSignal, type Signal } from './options.ts'
import { attendTerminal, checkTerminalSize, defaultTerminalSize, pty, resizeTerminal, type TerminalSize } from './terminal.ts'
import { checkSpawnOptions, type CheckedSpawnOptions, type SpawnOptions } from './spawn-options.ts'
import { outputPipe, readableOf, writableOf } from './stdio.ts'

export interface BuildProcessEvents {
  /**
   * The command is running, or has run already if its session ended before it could be reported. It always comes before `exit`. Output of the command may come
   * before it.
   */
  spawn: []
  /** The command has ended: its exit status, or the name of the signal that ended it. */
  exit: [code: number | null, signal: string | null]
  /** After `exit`, once its pipes have ended as well. After the `error` of a command that could not be started, both are null. */
  close: [code: number | null, signal: string | null]
  /**
   * The command could not be started, and no `exit` follows; or its `signal` was aborted (an AbortError, as in Node); or a `{ file }` of its stdin could not be
   * read, or one of its output could not be written, and the command was killed for that.
   */
  error: [error: Error]
}

const pipe: WireStdio = { kind: 'pipe' }
const noPipes: NativePipes = [-1, -1, -1]
const nothing = (): void => {}

/** A command in a session, with the members of Node's ChildProcess. */
export class BuildProcess extends EventEmitter<BuildProcessEvents> implements Disposable {
  /** In the host's numbering. Undefined until `spawn`, and for a command that ended before its number was known. */
  pid: number | undefined
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  readonly stdio: readonly [Writable | null, Readable | null, Readable | null]
  /** There is no channel of messages to a build. */
  readonly connected = false
  exitCode: number | null = null
  signalCode: string | null = null
  /** True once `kill()` has sent a signal to a process. */
  killed = false
  usage: Usage | undefined
  /** The limit that ended it, from `exit` on; undefined if no limit did. See `Result.limit`. */
  limit: LimitName | undefined
  readonly spawnfile: string
  readonly spawnargs: readonly string[]
  readonly #job: number
  readonly #place: Place
  readonly #prepared: Prepared
  readonly #meter: StdioMeter | undefined
  readonly #ending: Ending
  readonly #isPty: boolean
  /** The context of the code that began it: its listeners are called there. */
  readonly #began = new AsyncResource('BuildProcess')
  #leaveTerminal: () => void = nothing
  readonly #abortSignal: AbortSignal | undefined
  readonly #onAbort = (): void => this.#tell('error', abortError(this.#abortSignal))
  /** When the job began, by performance.now(). */
  #begun = 0
  #isStarted = false
  #isOver = false

  /**
   * @internal
   * @throws InvalidCommandError, SessionClosedError, SystemCallError where there is no descriptor left for its pipes
   */
  constructor(place: Place, command: Command, options: SpawnOptions) {
    super()
    this.#place = place
    refuseSplitCommand(command, options)
    const checked = checkSpawnOptions(options)
    const [stdin, stdout, stderr] = checked.stdio ?? [pipe, pipe, pipe]
    const prepared = prepare(checkCommand(command), { ...surroundings(checked), stdin, stdout: [stdout], stderr: [stderr] }, place)
    this.#prepared = prepared
    // Native code counts the output of a terminal.
    if (prepared.limits?.stdio !== undefined && stdin !== pty) this.#meter = new StdioMeter()
    this.spawnfile = prepared.argv[0] ?? ''
    this.spawnargs = prepared.argv
    this.#abortSignal = checked.signal
    const isAborted = checked.signal?.aborted === true
    this.#job = isAborted ? 0 : expectJob({ started: (pid) => this.#start(pid), ended: (end) => this.#end(end) })
    this.#ending = new Ending(checked, (signal) => void binding().kill(this.#job, signal, 'tree'))
    this.#isPty = stdin === pty
    const size = this.#isPty ? { terminalSize: checked.terminalSize ?? defaultTerminalSize } : {}
    const stdio = [stdin, outputOf(stdout), outputOf(stderr)] as const
    const pipes = isAborted ? noPipes : this.#begin(place, { ...prepared, stdio, maxBuffer: 0, ...size })
    if (!isAborted) this.#leaveTerminal = attendTerminal(stdio)
    this.stdin = pipes[0] < 0 ? null : writableOf(pipes[0])
    this.#meter?.begin(pipes[3])
    if (!isAborted) place.telling.tell('command', () => ({ command: this.#job, argv: prepared.argv, cwd: prepared.cwd }))
    this.stdout = pipes[1] < 0 ? null : this.#heard('stdout', this.#counted(readableOf(pipes[1])))
    this.stderr = pipes[2] < 0 ? null : this.#heard('stderr', this.#counted(readableOf(pipes[2])))
    this.stdio = [this.stdin, this.stdout, this.stderr]
    // A command that could not be started reads nothing. The event `error` says so already.
    this.stdin?.on('error', nothing)
    if (isAborted) process.nextTick(() => this.#fail(abortError(checked.signal)))
    else checked.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /**
   * Signals the process group of the command. A command that is still being launched gets the signal as it starts. 0 sends nothing and only checks. Returns
   * false if the command is over.
   * @throws InvalidCommandError if there is no such signal.
   */
  kill(signal: Signal = 'SIGTERM'): boolean {
    if (signal !== 0) checkSignal(signal)
    if (this.#isOver || signal === 0) return !this.#isOver
    const sent = binding().kill(this.#job, signal, 'group')
    this.killed ||= sent
    return sent
  }

  /**
   * Resizes the terminal of a command with `stdio: 'pty'`, which gets SIGWINCH. Returns false if the command is over.
   * @throws InvalidCommandError if it has no such terminal, or there is no such size
   */
  resize(size: TerminalSize): boolean {
    return resizeTerminal(this.#job, this.#isPty, checkTerminalSize(size, 'resize') as TerminalSize)
  }

  /** Undoes `unref`. */
  ref(): void {
    this.#eachPipe((end) => end.ref?.())
  }

  /** Its pipes no longer keep the program running. The command itself does until it ends, because a program that ends also ends its sessions. */
  unref(): void {
    this.#eachPipe((end) => end.unref?.())
  }

  /** Calls `kill()`, as in ChildProcess. */
  [Symbol.dispose](): void {
    if (!this.#isOver) this.kill()
  }

  #begin(place: Place, command: JobCommand): NativePipes {
    try {
      const pipes = place.start(this.#job, command) ?? noPipes
      this.#begun = performance.now()
      return pipes
    } catch (error) {
      this.#ending.over()
      forgetJob(this.#job)
      throw jobError(error)
    }
  }

  /** Counted where bytes come in, so that a stream without a reader counts too. */
  #counted(stream: Readable): Readable {
    const meter = this.#meter
    if (meter === undefined) return stream
    const push = stream.push.bind(stream)
    let isEnded = false
    stream.push = (chunk: Uint8Array | null, encoding?: BufferEncoding) => {
      if (isEnded) return false
      const allowed = chunk === null ? null : meter.count(chunk)
      const wantsMore = allowed?.length === 0 || push(allowed, encoding)
      // The processes that the command left can no longer be told from others, so they get EPIPE when they write (pipe(7)).
      // defence: spawned-command-left-behind
      const isTooMuch = meter.isOver && this.#isOver
      isEnded = chunk === null || isTooMuch
      if (chunk !== null && isTooMuch) {
        stream.once('end', () => stream.destroy())
        push(null)
      }
      return wantsMore && !isEnded
    }
    return stream
  }

  /** Reports output as it comes in to the listeners that the session has when the command begins. */
  #heard(name: 'stdout' | 'stderr', stream: Readable): Readable {
    const { telling } = this.#place
    if (!telling.hears('stdio')) return stream
    const push = stream.push.bind(stream)
    stream.push = (chunk: Uint8Array | null, encoding?: BufferEncoding) => {
      if (chunk !== null) telling.tell('stdio', () => ({ command: this.#job, stream: name, chunk: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) }))
      return push(chunk, encoding)
    }
    return stream
  }

  #tellEnd(error: unknown): void {
    if (this.#begun === 0) return
    this.#place.telling.tell('end', () => ({
      command: this.#job,
      exitCode: this.exitCode ?? undefined,
      signal: this.signalCode ?? undefined,
      limit: this.limit,
      durationMs: performance.now() - this.#begun,
      timedOut: this.#ending.timedOut,
      isCanceled: this.#ending.isCanceled,
      usage: this.usage,
      error,
    }))
  }

  #start(pid: number): void {
    this.#isStarted = true
    // 0: it was over before its number was asked for.
    this.pid = pid > 0 ? pid : undefined
    this.stdin?.off('error', nothing)
    this.#tell('spawn')
  }

  #end(end: JobEnd): void {
    if (end.failure === undefined) this.#exit(end)
    else this.#fail(launchError(end.failure, this.#prepared, () => this.#place.plan()))
  }

  #fail(cause: unknown): void {
    this.#over()
    // None of them has another end.
    for (const stream of this.stdio) stream?.destroy()
    this.#tellEnd(cause)
    this.#tell('error', cause instanceof Error ? cause : new Error(String(cause)))
    this.#tellClose(this.#openOutputs())
  }

  #exit(end: JobEnd): void {
    // A caller that waits for the command to run waits for `spawn` or `error`. The session may have been closed before either.
    if (!this.#isStarted) this.#start(0)
    this.#over()
    this.exitCode = end.exitCode ?? null
    this.signalCode = end.signal ?? null
    this.usage = end.usage
    this.limit = (end.signal === undefined ? undefined : this.#place.limit()) ?? (end.limit as LimitName | undefined)
    this.stdin?.destroy()
    if (end.exitCode !== 0 || this.limit !== undefined) this.#place.noteFailure()
    this.#tellEnd(undefined)
    for (const failure of [end.inputFailure, end.outputFailure]) if (failure !== undefined) this.#tell('error', typed(failure) as Error)
    this.#tell('exit', this.exitCode, this.signalCode)
    const open = this.#openOutputs()
    // A stream without a reader is drained to its end, like ChildProcess does: otherwise its descriptor would stay open. Not at
    // once, so that a listener of `exit` can still begin to read.
    setImmediate(() => {
      for (const stream of open) if (stream.readableFlowing === null) stream.resume()
    })
    this.#tellClose(open)
  }

  #openOutputs(): readonly Readable[] {
    return [this.stdout, this.stderr].filter((stream) => stream !== null).filter((stream) => !stream.closed && !stream.readableEnded)
  }

  #tellClose(open: readonly Readable[]): void {
    let left = open.length
    const close = (): void => {
      left -= 1
      if (left <= 0) this.#tell('close', this.exitCode, this.signalCode)
    }
    if (left === 0) close()
    else for (const stream of open) stream.once('close', close)
  }

  /** An error that a listener throws, or that no listener hears, is an uncaught exception of the program. Node-API only warns of one. */
  #tell<Name extends keyof BuildProcessEvents>(name: Name, ...told: BuildProcessEvents[Name]): void {
    try {
      this.#began.runInAsyncScope(() => (this as EventEmitter).emit(name, ...told))
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  #over(): void {
    this.#isOver = true
    this.#leaveTerminal()
    this.#ending.over()
    this.#abortSignal?.removeEventListener('abort', this.#onAbort)
  }

  #eachPipe(act: (end: Partial<Pick<Socket, 'ref' | 'unref'>>) => void): void {
    for (const stream of this.stdio) if (stream !== null) act(stream as Partial<Pick<Socket, 'ref' | 'unref'>>)
  }
}

function surroundings({ env, cwd, limits }: CheckedSpawnOptions): Pick<CheckedSpawnOptions, 'env' | 'cwd' | 'limits'> {
  return { ...(env !== undefined && { env }), ...(cwd !== undefined && { cwd }), ...(limits !== undefined && { limits }) }
}

function outputOf(target: WireStdio): WireStdio {
  return target.kind === 'pipe' ? outputPipe : target
}

function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
