import { BuildProcess } from '../command/build-process.ts'
import type { Command } from '../command/command.ts'
import type { Place } from '../command/place.ts'
import type { OutputOf } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import type { SpawnOptions } from '../command/spawn-options.ts'
import { SessionClosedError, typed } from '../errors.ts'
import type { NativeEnvelope } from '../native/binding.ts'
import { binding } from '../native/load.ts'
import { nativePlanOf } from '../native/native-plan.ts'
import { packJob, plainFrame, type JobFrame } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { newId } from './id.ts'
import { outputsReturning } from './leaving-outputs.ts'
import { openEnvelope } from './opening.ts'
import { planFor } from './plan-for.ts'
import type { SessionRecord, TraceEntry } from './record.ts'
import { teardownError } from './teardown.ts'

const spawnFrame: JobFrame = Object.freeze({ ...plainFrame, tellsStarted: true })

/**
 * Opens a session, a jail of its own on FreeBSD and namespaces of its own on Linux, with exactly the declarations of the spec in it.
 * @throws SpecError when the spec is refused, SystemCallError when the kernel said no; either way nothing is left behind.
 */
export async function openSession(spec: Spec | Plan): Promise<Session> {
  const plan = planFor(spec)
  const returning = outputsReturning(plan)
  if (returning !== undefined) await returning
  const id = newId()
  return new Session(id, plan, await openEnvelope(nativePlanOf(plan), id))
}

/** One envelope's life. Made by `openSession`. */
export class Session implements AsyncDisposable {
  readonly id: string
  readonly plan: Plan
  readonly #envelope: NativeEnvelope
  readonly #place: Place = this.#placeOf(plainFrame)
  /** Called once, whether or not anything was left. */
  #whenClosed: (() => void) | undefined
  #closed: readonly TraceEntry[] = []
  #isClosed = false
  /** Under way, or done; undefined after one that left something. */
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(id: string, plan: Plan, envelope: NativeEnvelope, whenClosed?: () => void) {
    this.id = id
    this.plan = plan
    this.#envelope = envelope
    this.#whenClosed = whenClosed
  }

  /** The steps of opening, in order, and how long each took. After `close`, the steps of closing as well. */
  get trace(): readonly TraceEntry[] {
    return [...this.#envelope.trace, ...this.#closed]
  }

  /**
   * Runs a command to its end: a promise of its result, and the running command at the same time. It rejects with a CommandError when
   * the command did not succeed, a SystemCallError when it could not be started, an InvalidCommandError naming the wrong argument or
   * option, and the reason of a `signal` that was aborted before.
   */
  run<Options extends RunOptions = Record<never, never>>(command: Command, options?: Options): Running<OutputOf<Options>> {
    return new Running(this.#place, command, options)
  }

  /**
   * Starts a command and hands it over, in the words of Node's ChildProcess. That it could not be started is told by its `error` event.
   * @throws InvalidCommandError naming the wrong argument or option, SessionClosedError
   */
  spawn(command: Command, options: SpawnOptions = {}): BuildProcess {
    return new BuildProcess(this.#placeOf(spawnFrame), command, options)
  }

  /**
   * The session as the kernel describes it: the jail's parameters, its mounts, the credentials of the command launched last.
   * @throws SessionClosedError, SystemCallError
   */
  async record(): Promise<SessionRecord> {
    this.#refuseWhenClosed()
    try {
      return await this.#envelope.record()
    } catch (error) {
      throw typed(error)
    }
  }

  /**
   * SIGKILL to every process of the session, which stays open. Nothing is left to kill in one that is closed.
   * @throws SystemCallError
   */
  async killAll(): Promise<void> {
    if (this.#isClosed) return
    try {
      await this.#envelope.killAll()
    } catch (error) {
      // Closing kills as well, and reports its own failures.
      if (this.#isClosed) return
      throw typed(error)
    }
  }

  /**
   * Kills everything that still runs and takes everything away. Safe to call again, and from two places: after a failure the next call
   * tries the rest again, else there is nothing left to do.
   * @throws TeardownError listing the things that could not be undone, after up to 2 seconds of trying for what is busy, and up to 10 for
   * processes that do not end.
   */
  close(): Promise<void> {
    this.#isClosed = true
    this.#closing ??= this.#close().catch((error: unknown) => {
      this.#closing = undefined
      throw error
    })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { trace, failures } = await this.#envelope
      .close()
      .catch((error: unknown) => {
        throw typed(error)
      })
      .finally(() => {
        this.#whenClosed?.()
        this.#whenClosed = undefined
      })
    this.#closed = [...this.#closed, ...trace]
    if (failures.length > 0) throw teardownError(this.id, failures)
  }

  #placeOf(frame: JobFrame): Place {
    return {
      plan: () => this.plan,
      ready: () => undefined,
      start: (job, command) => {
        this.#refuseWhenClosed()
        return binding().start(this.#envelope, packJob(job, command, frame))
      },
      over: () => {},
    }
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new SessionClosedError(`session ${this.id} is closed`, 'launch')
  }
}
