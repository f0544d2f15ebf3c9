import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

import type { NativePipes } from '../native/binding.ts'
import { expectJob, forgetJob, jobError, type JobEnd } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import type { JobCommand } from '../native/wire-job.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import { inOneLine } from '../spec/messages.ts'
import { errorOf, failuresOf, howItEnded } from './command-error.ts'
import { checkCommand, commandLine, refuseSplitCommand, type Command } from './command.ts'
import { Ending } from './ending.ts'
import { tailOf } from './hint-evidence.ts'
import { hintsOf, type Hint } from './hints.ts'
import { abandon } from './input.ts'
import { launchError } from './launch-error.ts'
import { checkSignal, invalid, type Signal } from './options.ts'
import { StdioMeter } from './limits.ts'
import { prepare, type Aftermath, type Place, type Prepared } from './place.ts'
import { resultOf, type AnyStdio, type Course, type Result } from './result.ts'
import { checkRunOptions, defaultMaxBuffer, noOptions, type RunOptions } from './run-options.ts'
import { collected, Streams, type Captured } from './streams.ts'
import { attendTerminal, checkTerminalSize, defaultTerminalSize, resizeTerminal, type TerminalSize } from './terminal.ts'

const turn = Promise.resolve()
const nothing = (): void => {}
/** The end of a command that was ended before it began. */
const notRun: JobEnd = Object.freeze({})
/** Each of these signals ends a command that has not set up a handler yet. */
const deadly: ReadonlySet<Signal> = new Set<Signal>(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGTERM'])

/**
 * A running command, and at the same time a promise of its result. It begins in a microtask after the call. So `stdin`, `stdout`, `stderr`, `all` and
 * `for await` that are used in the same turn are connected to it as it runs. An output stream that is used later has everything from the beginning once the
 * command has ended. The result has all output as well.
 *
 * `for await (const line of running)` gives the lines of stdout, or of `all`, as they are written, and throws at the end the error that the promise rejects
 * with. Leaving the loop early ends the command and all that it started, and waits for that.
 */
export class Running<Stdio = string> implements Promise<Result<Stdio>>, AsyncIterable<string> {
  readonly [Symbol.toStringTag] = 'Running'
  readonly #promise: Promise<Result<Stdio>>
  readonly #place: Place
  readonly #began = performance.now()
  #options = noOptions
  /** `#madeEnding` and `#madeStreams` are made if an option needs them, or on first use: most commands need neither. */
  #madeEnding: Ending | undefined
  #madeStreams: Streams | undefined
  #meter: StdioMeter | undefined
  // Of `never`, so that a result with one kind of output can be passed on as one with any.
  #resolve: (result: Result<never>) => void = nothing
  #reject: (error: unknown) => void = nothing
  /** 0 before it begins. */
  #job = 0
  #isOver = false
  /** The output that native code has captured. */
  #captured: Captured | undefined
  /** Signals for a command that has not begun. */
  #early: Signal[] | undefined
  /** The signal that ended it before it began. */
  #killedBy: Signal | undefined
  /** The size of its terminal, until it begins. */
  #size: TerminalSize | undefined
  #leaveTerminal: () => void = nothing
  /** When the job began, by performance.now(). */
  #begun = 0

  /** @internal */
  constructor(place: Place, command: Command, options?: RunOptions) {
    this.#place = place
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    try {
      refuseSplitCommand(command, options)
      if (options !== undefined) this.#options = checkRunOptions(options)
      const argv = checkCommand(command)
      const planning = place.planning?.()
      const prepared = planning === undefined ? this.#prepare(argv) : undefined
      if (options !== undefined) this.#madeStreams = this.#makeStreams()
      if (prepared !== undefined) void turn.then(() => this.#whenReady(prepared))
      else planning?.then(() => this.#planned(argv), (error: unknown) => this.#over(undefined, undefined, error))
    } catch (error) {
      this.#isOver = true
      abandon(this.#options.input)
      this.#reject(error)
    }
  }

  /** In the host's numbering. Undefined until the command runs, some milliseconds after the call, and after its end. */
  get pid(): number | undefined {
    return this.#job === 0 || this.#isOver ? undefined : binding().pidOf(this.#job)
  }

  /** Null if stdin comes from elsewhere, or was not used before the command began. */
  get stdin(): Writable | null {
    return this.#streams.stdin
  }

  /** Null if it goes elsewhere, and with the option `all`. The result has the output as well. */
  get stdout(): Readable | null {
    return this.#streams.stdout
  }

  get stderr(): Readable | null {
    return this.#streams.stderr
  }

  /** stdout and stderr as they are written; null without the option `all`. */
  get all(): Readable | null {
    return this.#streams.all
  }

  /**
   * Signals the process group of the command. A command that is still being launched gets the signal as it starts; one that waits for its turn is not started
   * after SIGHUP, SIGINT, SIGQUIT, SIGKILL or SIGTERM. `killSignal` (default: SIGTERM) is followed by SIGKILL if the command has not ended after
   * `forceKillAfterDelay`. 0 sends nothing and only checks. Returns false if the command is over.
   * @throws InvalidCommandError if there is no such signal
   */
  kill(signal: Signal = this.#ending.killSignal): boolean {
    if (signal !== 0) checkSignal(signal)
    if (this.#isOver || signal === 0) return !this.#isOver
    if (this.#job === 0 && deadly.has(signal)) {
      this.#killedBy ??= signal
      this.#place.giveUp?.()
      return true
    }
    if (signal === this.#ending.killSignal) this.#ending.force()
    if (this.#job !== 0) return binding().kill(this.#job, signal, 'group')
    this.#early = [...(this.#early ?? []), signal]
    return true
  }

  /**
   * Resizes the terminal of a command with `stdio: 'pty'`, which gets SIGWINCH. Returns false if the command is over.
   * @throws InvalidCommandError if it has no such terminal, or there is no such size
   */
  resize(size: TerminalSize): boolean {
    const checked = checkTerminalSize(size, 'resize') as TerminalSize
    const isPty = this.#options.stdio === 'pty'
    if (isPty && this.#job === 0 && !this.#isOver) {
      this.#size = checked
      return true
    }
    return resizeTerminal(this.#job, isPty, checked)
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  then<A = Result<Stdio>, B = never>(
    onFulfilled?: ((result: Result<Stdio>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Result<Stdio> | B> {
    return this.#promise.catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<Result<Stdio>> {
    return this.#promise.finally(onFinally)
  }

  /** @throws InvalidCommandError if its stdout is not collected */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    const readable = this.all ?? this.stdout
    if (readable === null) throw invalid('stdout', "has no lines to read: it does not go to 'pipe'")
    return this.#lines(readable)
  }

  async *#lines(readable: Readable): AsyncGenerator<string, void, undefined> {
    // The loop gets the error.
    this.#promise.catch(nothing)
    let isWhole = false
    try {
      yield* linesFrom(readable)
      isWhole = true
    } finally {
      if (!isWhole) {
        this.#ending.cancel()
        await this.#promise.catch(nothing)
      }
    }
    await this.#promise
  }

  get #ending(): Ending {
    // A command that is over needs no timer and no listener.
    this.#madeEnding ??= new Ending(this.#isOver ? noOptions : this.#options, (signal) => this.#signalAll(signal))
    return this.#madeEnding
  }

  get #streams(): Streams {
    if (this.#madeStreams === undefined) {
      this.#madeStreams = this.#makeStreams()
      // Too late for a pipe.
      if (this.#job !== 0) this.#madeStreams.wire()
      if (this.#isOver) void this.#madeStreams.finish(this.#captured)
    }
    return this.#madeStreams
  }

  #makeStreams(): Streams {
    return new Streams(this.#options, this.#ending, () => this.#meter)
  }

  #planned(argv: readonly string[]): void {
    let prepared: Prepared
    try {
      prepared = this.#prepare(argv)
    } catch (error) {
      return this.#over(undefined, undefined, error)
    }
    this.#whenReady(prepared)
  }

  /** @throws InvalidCommandError naming the entry */
  #prepare(argv: readonly string[]): Prepared {
    const prepared = prepare(argv, this.#options, this.#place)
    if (prepared.limits?.stdio !== undefined) this.#meter = new StdioMeter()
    return prepared
  }

  #whenReady(prepared: Prepared): void {
    const refuse = (error: unknown): void => {
      if (this.#isEnded) this.#begin(prepared)
      else this.#over(prepared, undefined, error)
    }
    try {
      const waiting = this.#isEnded ? undefined : this.#place.ready()
      if (waiting !== undefined) return void waiting.then(() => this.#begin(prepared), refuse)
    } catch (error) {
      return refuse(error)
    }
    this.#begin(prepared)
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Before it began. `#begin` reports it. */
  get #isEnded(): boolean {
    return this.#isAborted || this.#killedBy !== undefined || this.#madeEnding?.isEnding === true
  }

  #begin(prepared: Prepared): void {
    const { signal, maxBuffer = defaultMaxBuffer, verbose } = this.#options
    if (this.#isAborted) return this.#over(prepared, undefined, signal?.reason)
    if (this.#madeEnding?.isEnding === true) return this.#over(prepared, notRun)
    if (this.#killedBy !== undefined) return this.#over(prepared, { signal: String(this.#killedBy) })
    if (verbose === true) process.stderr.write(`$ ${inOneLine(commandLine(prepared.argv))}\n`)
    const { telling } = this.#place
    if (telling.hears('stdio')) this.#streams.hear((stream, chunk) => telling.tell('stdio', () => ({ command: this.#job, stream, chunk })))
    let job = 0
    let pipes: NativePipes | undefined
    try {
      job = expectJob({ ended: (end) => this.#over(prepared, end) })
      const stdio = this.#madeStreams?.wire() ?? collected
      pipes = this.#place.start(job, this.#commandOf(prepared, stdio, maxBuffer))
      if (stdio !== collected) this.#leaveTerminal = attendTerminal(stdio)
    } catch (error) {
      forgetJob(job)
      return this.#over(prepared, undefined, jobError(error))
    }
    this.#job = job
    this.#begun = performance.now()
    telling.tell('command', () => ({ command: job, argv: prepared.argv, cwd: prepared.cwd }))
    this.#meter?.begin(pipes?.[3])
    if (pipes !== undefined) this.#streams.begin(pipes)
    for (const early of this.#early ?? []) binding().kill(job, early, 'group')
  }

  #commandOf({ argv, env, cwd, limits }: Prepared, stdio: JobCommand['stdio'], maxBuffer: number): JobCommand {
    const command = { argv, env, cwd, stdio, maxBuffer, limits }
    if (this.#options.stdio !== 'pty') return command
    return { ...command, terminalSize: this.#size ?? this.#options.terminalSize ?? defaultTerminalSize }
  }

  #signalAll(signal: Signal): void {
    if (this.#job !== 0) binding().kill(this.#job, signal, 'tree')
    else if (this.#madeEnding?.isEnding === true) this.#place.giveUp?.()
  }

  /**
   * @param prepared undefined if it was refused
   * @param error if it did not begin
   */
  #over(prepared: Prepared | undefined, end: JobEnd | undefined, error?: unknown): void {
    const durationMs = performance.now() - this.#began - (end?.sinceExitMs ?? 0)
    this.#isOver = true
    this.#captured = end
    this.#madeEnding?.over()
    this.#leaveTerminal()
    const finishing = this.#madeStreams?.finish(end)
    if (finishing === undefined) this.#settle(prepared, durationMs, end, error)
    else void finishing.then(() => this.#settle(prepared, durationMs, end, error))
  }

  /** @param error if it did not begin */
  #settle(prepared: Prepared | undefined, durationMs: number, end: JobEnd | undefined, error: unknown): void {
    try {
      const result = prepared === undefined || end === undefined || end.failure !== undefined ? undefined : this.#resultOf(prepared, durationMs, end)
      const refusal = prepared === undefined || end?.failure === undefined ? error : launchError(end.failure, prepared, () => this.#place.plan())
      if (this.#job !== 0 && end !== undefined) this.#tellEnd(end, result, refusal)
      if (this.#options.verbose === true && result !== undefined) {
        process.stderr.write(`${inOneLine(result.command)}: ${howItEnded(result, this.#options)} after ${Math.round(durationMs)} ms\n`)
      }
      if (result?.failed === true) this.#place.noteFailure()
      const after = this.#place.over(end, result)
      const conclude = (aftermath?: Aftermath): void => this.#conclude(end, result === undefined || aftermath === undefined ? result : Object.assign(result, aftermath), refusal)
      if (after === undefined) conclude()
      else after.then(conclude).catch(this.#reject)
    } catch (failure) {
      this.#reject(failure)
    }
  }

  /** @param refusal if it did not run */
  #conclude(end: JobEnd | undefined, result: Result<AnyStdio> | undefined, refusal: unknown): void {
    if (result === undefined) throw refusal
    const failure = errorOf(result, end === undefined ? undefined : failuresOf(end, this.#madeEnding), this.#options)
    if (failure !== undefined) throw failure
    this.#resolve(result as Result<never>)
  }

  #tellEnd(end: JobEnd, result: Result<AnyStdio> | undefined, refusal: unknown): void {
    this.#place.telling.tell('end', () => ({
      command: this.#job,
      exitCode: result?.exitCode,
      signal: result?.signal,
      limit: result?.limit,
      durationMs: performance.now() - this.#begun - (end.sinceExitMs ?? 0),
      timedOut: result?.timedOut === true,
      isCanceled: result?.isCanceled === true,
      usage: result?.usage,
      error: result === undefined ? refusal : undefined,
    }))
  }

  /** The limit that ended it, unless it was met while the command was ended for another reason. */
  #limitOf(end: JobEnd): LimitName | undefined {
    if (this.#madeEnding?.timedOut === true || this.#madeEnding?.isCanceled === true) return undefined
    if (end.signal !== undefined && this.#place.limit() !== undefined) return this.#place.limit()
    return (end.limit as LimitName | undefined) ?? (this.#meter?.isOver === true ? 'stdio' : undefined)
  }

  #resultOf(prepared: Prepared, durationMs: number, end: JobEnd): Result<AnyStdio> {
    const ending = this.#madeEnding
    const { stdout, stderr } = this.#madeStreams?.collected ?? end
    const course: Course = {
      durationMs,
      timedOut: ending?.timedOut === true,
      isCanceled: ending?.isCanceled === true,
      isMaxBuffer: end.isMaxBuffer === true || ending?.isMaxBuffer === true,
      limit: this.#limitOf(end),
      stdout,
      stderr,
      hints: () => this.#hints(prepared, stdout, stderr ?? end.lastOfStderr),
    }
    return resultOf(prepared.argv, end, course, this.#options)
  }

  #hints({ argv, cwd }: Prepared, stdout: Buffer | undefined, stderr: Buffer | undefined): readonly Hint[] {
    const isBoth = this.#options.all === true || this.#options.stdio === 'pty'
    const isSeen = stderr !== undefined || (isBoth && stdout !== undefined)
    const output = isSeen ? [stderr, stdout].filter((bytes) => bytes !== undefined).map(tailOf) : undefined
    return hintsOf({ argv, cwd, plan: this.#place.plan(), output, troubles: this.#place.troubles(this.#begun) })
  }
}

/** Line by line, as they come, without their newlines. What is searched and joined grows with what comes, and not with the square of a line. */
export async function* linesFrom(readable: Readable): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8')
  /** Parts of a line whose end has not come. None has a newline in it. */
  let begun: string[] = []
  for await (const chunk of readable.iterator({ destroyOnReturn: false })) {
    const [first = '', ...lines] = decoder.write(chunk as Buffer).split('\n')
    begun.push(first)
    const next = lines.pop()
    if (next === undefined) continue
    yield withoutReturn(begun.join(''))
    for (const line of lines) yield withoutReturn(line)
    begun = [next]
  }
  begun.push(decoder.end())
  const last = begun.join('')
  if (last !== '') yield withoutReturn(last)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
