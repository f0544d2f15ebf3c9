import type { Readable, Writable } from 'node:stream'

import { jobError } from '../native/failure.ts'
import { binding } from '../native/load.ts'
import { expectJob, forgetJob, type JobEnd } from '../native/jobs.ts'
import type { NativePipes } from '../native/binding.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import { capture, Collection } from './collection.ts'
import { commandLine, type Command } from './command.ts'
import { Ending } from './ending.ts'
import { errorOf, howItEnded } from './command-error.ts'
import { linesFrom } from './lines.ts'
import { invalid } from './options.ts'
import type { Place } from './place.ts'
import { prepare, type Prepared } from './prepared.ts'
import { resultOf, type AnyOutput, type Course, type Result } from './result.ts'
import { checkRunOptions, defaultMaxBuffer, noOptions, type CheckedRunOptions, type RunOptions } from './run-options.ts'
import { checkSignal, type Signal } from './signal.ts'
import { ignore, Supply } from './supply.ts'

const turn = Promise.resolve()
const nothing = (): void => {}
const same: WireStdio = Object.freeze({ kind: 'same' })
/** All commands whose output is only collected have this in common, and so are packed in the same way (wire-job.ts). */
const collected: JobCommand['stdio'] = Object.freeze([ignore, capture, capture] as const)
/** Of a command that was ended before it began. */
const notRun: JobEnd = Object.freeze({
  failure: undefined,
  exitCode: undefined,
  signal: undefined,
  isMaxBuffer: false,
  userUs: 0,
  systemUs: 0,
  maxRssBytes: 0,
  stdout: undefined,
  stderr: undefined,
  sinceExitMs: undefined,
  envelope: undefined,
  closed: undefined,
})

/**
 * A command under way: a promise of its result, and at the same time the running command itself. It begins when the turn of the event
 * loop in which it was asked for is over, so that it is known by then whether anybody wants to hear of it before its end: `stdin`,
 * `stdout`, `stderr`, `all` and `for await` that are used at once are pipes. Of an output stream that is asked for later everything
 * is there once the command has ended. It is all from the beginning, however late.
 *
 * `for await (const line of running)` gives the lines of stdout, or of `all`, as they are written, and throws at the end what the promise
 * rejects with. A loop that is left early ends the command and all that it started, and waits for that.
 */
export class Running<Output = string> implements Promise<Result<Output>>, AsyncIterable<string> {
  readonly [Symbol.toStringTag] = 'Running'
  readonly #promise: Promise<Result<Output>>
  readonly #place: Place
  readonly #began = performance.now()
  readonly #options: CheckedRunOptions
  readonly #ending: Ending
  readonly #supply: Supply
  readonly #stdout: Collection
  readonly #stderr: Collection
  // Of `never`, so that what runs with one kind of output can be handed on as one with any.
  #resolve: (result: Result<never>) => void = nothing
  #reject: (error: unknown) => void = nothing
  /** 0 before it begins. */
  #job = 0
  #isOver = false
  /** Signals for a command that has not begun. */
  readonly #early: Signal[] = []

  /** @internal */
  constructor(place: Place, command: Command, options?: RunOptions) {
    this.#place = place
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    let prepared: Prepared | undefined
    let checked = noOptions
    try {
      if (options !== undefined) checked = checkRunOptions(options)
      prepared = prepare(command, checked, place)
    } catch (error) {
      this.#isOver = true
      this.#reject(error)
    }
    const { maxBuffer = defaultMaxBuffer, stdout, stderr } = checked
    this.#options = checked
    this.#ending = new Ending(prepared === undefined ? noOptions : checked, (signal) => this.#signalAll(signal))
    this.#supply = new Supply(checked)
    this.#stdout = new Collection(stdout, 'stdout', maxBuffer, this.#ending)
    this.#stderr = new Collection(stderr, 'stderr', maxBuffer, this.#ending)
    if (prepared === undefined) this.#refuse()
    else void turn.then(() => this.#whenReady(prepared))
  }

  /** In the host's numbering; undefined before the command is there, some milliseconds after it was asked for, and after its end. */
  get pid(): number | undefined {
    return this.#job === 0 || this.#isOver ? undefined : binding().pidOf(this.#job)
  }

  /** Null where stdin comes from elsewhere, and where it was not asked for at once. */
  get stdin(): Writable | null {
    return this.#supply.writable()
  }

  /** Null where it goes elsewhere, and with the option `all`. It is collected into the result as well. */
  get stdout(): Readable | null {
    return this.#options.all === true ? null : this.#stdout.readable()
  }

  get stderr(): Readable | null {
    return this.#options.all === true ? null : this.#stderr.readable()
  }

  /** stdout and stderr as they are written; null without the option `all`. */
  get all(): Readable | null {
    return this.#options.all === true ? this.#stdout.readable() : null
  }

  /**
   * Signals the command and what it started in its process group; one that is still being launched, as it starts. After the `killSignal`
   * (default: SIGTERM) comes SIGKILL when it has not ended `forceKillAfterDelay` later. 0 sends nothing and only asks. False when it is over.
   * @throws InvalidCommandError when there is no such signal
   */
  kill(signal: Signal = this.#ending.killSignal): boolean {
    if (signal !== 0) checkSignal(signal)
    if (this.#isOver || signal === 0) return !this.#isOver
    if (signal === this.#ending.killSignal) this.#ending.force()
    if (this.#job !== 0) return binding().kill(this.#job, signal, 'group')
    this.#early.push(signal)
    return true
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  then<A = Result<Output>, B = never>(
    onFulfilled?: ((result: Result<Output>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Result<Output> | B> {
    return this.#promise.catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<Result<Output>> {
    return this.#promise.finally(onFinally)
  }

  /** @throws InvalidCommandError when its stdout is not collected */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    const readable = this.all ?? this.stdout
    if (readable === null) throw invalid('stdout', "has no lines to read: it does not go to 'pipe'")
    return this.#lines(readable)
  }

  async *#lines(readable: Readable): AsyncGenerator<string, void, undefined> {
    // The loop is told of how it ends.
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

  #refuse(): void {
    this.#supply.over()
    void this.#stdout.finish()
    void this.#stderr.finish()
  }

  #whenReady(prepared: Prepared): void {
    const waiting = this.#isAborted ? undefined : this.#place.ready()
    if (waiting === undefined) this.#begin(prepared)
    else waiting.then(() => this.#begin(prepared), (error: unknown) => this.#over(prepared, undefined, error))
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  #begin(prepared: Prepared): void {
    const { signal, maxBuffer = defaultMaxBuffer, verbose } = this.#options
    if (this.#isAborted) return this.#over(prepared, undefined, signal?.reason)
    if (this.#ending.isEnding) return this.#over(prepared, notRun)
    if (verbose === true) process.stderr.write(`$ ${commandLine(prepared.argv)}\n`)
    let job = 0
    let pipes: NativePipes | undefined
    try {
      job = expectJob({ ended: (end) => this.#over(prepared, end) })
      pipes = this.#place.start(job, { ...prepared, stdio: this.#stdio(), maxBuffer })
    } catch (error) {
      forgetJob(job)
      return this.#over(prepared, undefined, jobError(error))
    }
    this.#job = job
    if (pipes !== undefined) this.#attach(pipes)
    for (const early of this.#early) binding().kill(job, early, 'group')
  }

  #stdio(): JobCommand['stdio'] {
    const stdin = this.#supply.wire()
    const stdout = this.#stdout.wire()
    const stderr = this.#options.all === true ? same : this.#stderr.wire()
    return stdin === ignore && stdout === capture && stderr === capture ? collected : [stdin, stdout, stderr]
  }

  #attach([stdin, stdout, stderr]: NativePipes): void {
    if (stdin >= 0) this.#supply.begin(stdin, this.#ending)
    if (stdout >= 0) this.#stdout.read(stdout)
    if (stderr >= 0) this.#stderr.read(stderr)
  }

  #signalAll(signal: Signal): void {
    if (this.#job !== 0) binding().kill(this.#job, signal, 'tree')
  }

  /** @param error where it did not begin */
  #over(prepared: Prepared, end: JobEnd | undefined, error?: unknown): void {
    const durationMs = performance.now() - this.#began - (end?.sinceExitMs ?? 0)
    this.#isOver = true
    this.#ending.over()
    this.#supply.over()
    const settle = (): void => this.#settle(prepared, durationMs, end, error)
    const finishing = [this.#stdout.finish(end?.stdout), this.#stderr.finish(end?.stderr)].filter((finish) => finish !== undefined)
    if (finishing.length === 0) settle()
    else void Promise.all(finishing).then(settle)
  }

  #settle({ argv }: Prepared, durationMs: number, end: JobEnd | undefined, error: unknown): void {
    try {
      const isRun = end !== undefined && end.failure === undefined
      const result = isRun ? this.#resultOf(argv, durationMs, end) : undefined
      if (this.#options.verbose === true && result !== undefined) {
        process.stderr.write(`${result.command}: ${howItEnded(result, this.#options)} after ${Math.round(durationMs)} ms\n`)
      }
      this.#place.over(end, result)
      if (result === undefined) throw end === undefined ? error : jobError(end.failure)
      const failure = errorOf(result, this.#ending, this.#options)
      if (failure !== undefined) throw failure
      this.#resolve(result as Result<never>)
    } catch (failure) {
      this.#reject(failure)
    }
  }

  #resultOf(argv: readonly string[], durationMs: number, end: JobEnd): Result<AnyOutput> {
    const { timedOut, isCanceled, isMaxBuffer } = this.#ending
    const course: Course = {
      durationMs,
      timedOut,
      isCanceled,
      isMaxBuffer: isMaxBuffer || end.isMaxBuffer,
      stdout: this.#stdout.bytes,
      stderr: this.#stderr.bytes,
    }
    return resultOf(argv, end, course, this.#options)
  }
}
