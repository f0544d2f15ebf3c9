import { randomFillSync } from 'node:crypto'

import { binding } from '../native/load.ts'
import { BuildProcess } from '../command/build-process.ts'
import type { Command } from '../command/command.ts'
import { BuildjailError, TeardownError, typed } from '../errors.ts'
import { listenForExits } from '../native/exits.ts'
import type { NativeEnvelope, NativeExit, NativeLaunched, NativePlan, NativeRecord, NativeTraceEntry } from '../native/binding.ts'
import { outputsReturning } from './leaving-outputs.ts'
import { nativeBaseOf, nativePlanOf } from '../native/native-plan.ts'
import { isPlan, planOf, type Plan } from '../spec/plan.ts'
import { PreparedLaunch, type LaunchRequest } from '../command/prepared-launch.ts'
import { isAttended, noOptions, outcomeOf, requestOf, runCommand, type Result } from '../command/run.ts'
import { checkOptionNames, type RunOptions } from '../command/run-options.ts'
import type { Spec } from '../spec/spec.ts'
import { wireOutput, wireStdio, type StdioTarget } from '../command/stdio.ts'

export type TraceEntry = NativeTraceEntry
export type SessionRecord = NativeRecord

export interface SpawnOptions {
  /** Added to the session's environment, for this command. */
  readonly env?: Readonly<Record<string, string>>
  /** Inside. Default: the session's. */
  readonly cwd?: string
  /** stdin, stdout, stderr. Default: three pipes. */
  readonly stdio?: readonly [StdioTarget, StdioTarget, StdioTarget]
}

const spawnOptions: Readonly<Record<keyof SpawnOptions, true>> = { env: true, cwd: true, stdio: true }

/**
 * Opens a session, a jail of its own on FreeBSD and namespaces of its own on Linux, with exactly what the spec declares in it.
 * @throws SpecError when the spec is refused, SystemCallError when the kernel said no; either way nothing is left behind.
 */
export async function openSession(spec: Spec | Plan): Promise<Session> {
  const plan = planFor(spec)
  const returning = outputsReturning(plan)
  if (returning !== undefined) await returning
  const { id, envelope } = await openEnvelope(() => nativePlanOf(plan))
  return new Session(id, plan, envelope)
}

/**
 * Opens a session and starts in it the one command that it is for, in one crossing into native code. The end of the
 * command begins the end of the session; to close it is still the caller's.
 * @internal
 */
export async function openSessionWith(request: LaunchRequest, spec: Spec | Plan): Promise<{ session: Session; start: Promise<BuildProcess> }> {
  const plan = planFor(spec)
  const id = newId()
  const prepared = new PreparedLaunch(request, plan, true)
  try {
    listenForExits()
    const returning = outputsReturning(plan)
    if (returning !== undefined) await returning
    const { envelope, launched } = await binding().openAndLaunch(nativePlanOf(plan), id, prepared.pack())
    return { session: new Session(id, plan, envelope), start: started(envelope, prepared, launched) }
  } catch (error) {
    prepared.forget()
    throw typed(error)
  }
}

/**
 * Opens what a pool keeps: a session that still lacks what a build adds, in which nothing can be launched.
 * @internal
 */
export async function openBase(base: Plan): Promise<Opened> {
  return openEnvelope(() => nativeBaseOf(base))
}

interface Opened {
  readonly id: string
  readonly envelope: NativeEnvelope
}

async function openEnvelope(planned: () => NativePlan): Promise<Opened> {
  const id = newId()
  try {
    listenForExits()
    return { id, envelope: await binding().openEnvelope(planned(), id) }
  } catch (error) {
    throw typed(error)
  }
}

/**
 * Opens a session, runs in it the one command that it is for, and closes it, which is one crossing into native code and
 * one back. What could not be taken away of it is a session still.
 * @internal
 */
export async function runInSessionOfItsOwn(request: LaunchRequest, spec: Spec | Plan): Promise<{ exit: NativeExit; sinceExitMs: number; left?: { session: Session; error: TeardownError } }> {
  const plan = planFor(spec)
  const id = newId()
  const prepared = new PreparedLaunch(request, plan, true)
  // Nobody else is told of it.
  prepared.forget()
  try {
    listenForExits()
    const returning = outputsReturning(plan)
    if (returning !== undefined) await returning
    const { exit, sinceExitMs = 0, failure, envelope, closed } = await binding().buildOnce(nativePlanOf(plan), id, prepared.pack())
    const left = envelope && closed && { session: new Session(id, plan, envelope), error: teardownErrorOf(id, closed.failures) }
    if (exit === undefined) throw left?.error ?? failure
    return { exit, sinceExitMs, ...(left && { left }) }
  } catch (error) {
    throw typed(error)
  }
}

/**
 * Runs a command to its end of which nothing has to be heard before that, however `launch` has it launched. `began` is when
 * the call came.
 * @internal
 */
export async function runUnattended(
  plan: Plan,
  command: Command,
  options: RunOptions,
  launch: (packed: Uint8Array) => void,
  began: number = performance.now(),
): Promise<Result> {
  const prepared = new PreparedLaunch(requestOf(command, options), plan)
  const exit = await new Promise<NativeExit>((resolve, reject) => {
    prepared.whenEnded((end) => ('failure' in end ? reject(typed(end.failure)) : resolve(end)))
    try {
      launch(prepared.pack())
    } catch (error) {
      prepared.forget()
      reject(typed(error))
    }
  })
  return outcomeOf(command, options, exit, performance.now() - began, { timedOut: false, isCanceled: false })
}

function teardownErrorOf(id: string, failures: readonly unknown[]): TeardownError {
  return new TeardownError(id, failures.map((failure) => typed(failure) as BuildjailError))
}

async function started(envelope: NativeEnvelope, prepared: PreparedLaunch, launched: NativeLaunched): Promise<BuildProcess> {
  try {
    await launched.spawned
    return new BuildProcess(envelope, prepared, launched)
  } catch (error) {
    prepared.forget()
    throw typed(error)
  }
}

function planFor(spec: Spec | Plan): Plan {
  const plan = isPlan(spec) ? spec : planOf(spec)
  if (plan.platform === process.platform) return plan
  throw new BuildjailError('ERR_BUILDJAIL_INVALID_SPEC', `plan: was made for ${plan.platform}, this is ${process.platform}`, {
    entry: 'platform',
    step: 'plan',
  })
}

const idBytes = 8
// Filled for many sessions at once, as each filling is a system call.
const entropy = Buffer.alloc(idBytes * 256)
let entropyUsed = entropy.length

function newId(): string {
  if (entropyUsed === entropy.length) {
    randomFillSync(entropy)
    entropyUsed = 0
  }
  const id = entropy.toString('hex', entropyUsed, entropyUsed + idBytes)
  entropyUsed += idBytes
  return id
}

/** One envelope's life. Made by `openSession`. */
export class Session implements AsyncDisposable {
  readonly id: string
  readonly plan: Plan
  readonly #envelope: NativeEnvelope
  /** Called once, whether or not anything was left. */
  #whenClosed: (() => void) | undefined
  #closed: readonly NativeTraceEntry[] = []
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

  /** What opening did, in order, and how long each step took. After `close`, what closing did as well. */
  get trace(): readonly TraceEntry[] {
    return [...this.#envelope.trace, ...this.#closed]
  }

  /**
   * Runs a command to its end.
   * @throws CommandError when it did not succeed, SystemCallError when it could not be started, BuildjailError
   * `ERR_BUILDJAIL_INVALID_COMMAND` naming what of the command or the options is wrong, and the reason of a `signal` that was aborted
   * before.
   */
  run(command: Command, options: RunOptions = noOptions): Promise<Result> {
    if (isAttended(options)) {
      return runCommand({ start: (request) => this.start(request), killAll: () => this.#envelope.killAll() }, command, options)
    }
    return runUnattended(this.plan, command, options, (packed) => {
      this.#refuseWhenClosed()
      this.#envelope.run(packed)
    })
  }

  /**
   * Starts a command and hands it over, in the words of Node's ChildProcess.
   * @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming what of the command or the options is wrong; that it could not be
   * started is told by its `error` event.
   */
  spawn(command: Command, options: SpawnOptions = {}): BuildProcess {
    checkOptionNames(options, spawnOptions)
    const [stdin, stdout, stderr] = options.stdio ?? ['pipe', 'pipe', 'pipe']
    return this.start({
      command,
      stdio: [wireStdio(stdin, 'stdio[0]'), wireOutput(stdout, 'stdio[1]'), wireOutput(stderr, 'stdio[2]')],
      env: options.env,
      cwd: options.cwd,
    })
  }

  /** @internal */
  start(request: LaunchRequest): BuildProcess {
    this.#refuseWhenClosed()
    const prepared = new PreparedLaunch(request, this.plan)
    try {
      return new BuildProcess(this.#envelope, prepared, this.#envelope.launch(prepared.pack()))
    } catch (error) {
      prepared.forget()
      throw typed(error)
    }
  }

  /** What the kernel says it built, read back: the jail's parameters, its mounts, the credentials of the command launched last. */
  async record(): Promise<SessionRecord> {
    this.#refuseWhenClosed()
    try {
      return await this.#envelope.record()
    } catch (error) {
      throw typed(error)
    }
  }

  /** SIGKILL to every process of the session, which stays open. */
  async killAll(): Promise<void> {
    this.#refuseWhenClosed()
    try {
      await this.#envelope.killAll()
    } catch (error) {
      throw typed(error)
    }
  }

  /**
   * Kills what still runs and takes everything away. Safe to call again, and from two places: after it failed, that tries again
   * what is left, else nothing is left to do.
   * @throws TeardownError listing what could not be undone, after up to 2 seconds of trying for what is busy, and up to 10 for
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
    if (failures.length === 0) return
    throw teardownErrorOf(this.id, failures)
  }

  #refuseWhenClosed(): void {
    if (!this.#isClosed) return
    throw new BuildjailError('ERR_BUILDJAIL_SESSION_CLOSED', `session ${this.id} is closed`, { step: 'launch' })
  }
}
