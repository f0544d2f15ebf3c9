import { EventEmitter } from 'node:events'
import nodePath from 'node:path'
import { promisify } from 'node:util'

import { BuildProcess } from '../command/build-process.ts'
import type { Command } from '../command/command.ts'
import type { NetworkTrouble } from '../command/hint-evidence.ts'
import type { Aftermath, Place } from '../command/place.ts'
import type { Kept, StdioOf } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import type { SpawnOptions } from '../command/spawn-options.ts'
import { SessionClosedError, TeardownError, typed, type BuildjailError } from '../errors.ts'
import type { SessionEvents, StepEvent } from '../events/session-events.ts'
import { Telling } from '../events/telling.ts'
import type { NativeEnvelope, NativeKeepPlace } from '../native/binding.ts'
import { jailRecordOf } from '../native/jail-values.ts'
import { jobError } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { readTrace, type Trace } from '../native/trace.ts'
import { nativePlanOf } from '../native/wire-plan.ts'
import { packJob, plainFrame, type JobFrame } from '../native/wire-job.ts'
import { readList } from '../spec/check.ts'
import { isLent, isThrownAway } from '../spec/outputs.ts'
import { isWithin } from '../spec/paths.ts'
import type { KeepIn, Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { changesIn, refuseToApply, type Changes } from './changes.ts'
import { canComeNear, LimitEvents, ownLimits, watchFor, type LimitWatch } from './limits.ts'
import { checkOpenOptions, newId, openEnvelope, outputsReturning, withCopies, withOutputs, type OpenOptions } from './opening.ts'
import { networkEventsOf, type NetworkEvents } from './network-events.ts'
import { planningOf } from './planning.ts'
import type { Applied, LeftInOutput, LimitRecord, OutputRecord, SessionProcess, SessionRecord, SessionUsage, SessionStep } from '../native/record.ts'
import { Admission, allSessions } from './session-queue.ts'

const nextTurn = promisify(setImmediate)
const spawnFrame: JobFrame = Object.freeze({ ...plainFrame, tellsStarted: true })

/**
 * Opens a session: a jail on FreeBSD, namespaces on Linux, and in it exactly what the spec declares.
 * @throws SpecError if the spec is refused, UnsupportedError if the host cannot hold one of its limits, SystemCallError if a system call failed, QueueError if
 * `setConcurrency` lets no more sessions wait or the wait was too long, or the reason of the signal; nothing is left behind then.
 */
export async function openSession(spec: Spec | Plan, options: OpenOptions = {}): Promise<Session> {
  const { makeOutputs, ...watching } = checkOpenOptions(options)
  const { signal } = watching
  const planning = planningOf(spec)
  signal?.throwIfAborted()
  const admission = new Admission(planning.demand, [allSessions])
  try {
    const planned = await planning.plan
    signal?.throwIfAborted()
    await admission.whenReady(signal)
    // A refused caller has made nothing.
    const made = await withOutputs(planned, makeOutputs)
    const returning = outputsReturning(made)
    if (returning !== undefined) await returning
    const id = newId()
    const { plan, envelope } = await withCopies(made, async (tried) => ({ plan: tried, envelope: await openEnvelope(nativePlanOf(tried), id, tried, admission.waitLeft, watching) }))
    return new Session(id, plan, envelope, watchFor(id, plan, envelope), () => admission.over()).tellOpening()
  } catch (error) {
    admission.over()
    throw signal?.aborted === true ? signal.reason : error
  }
}

/** A session, from opening to closing. `openSession` makes it. Its events are those of `SessionEvents`. */
export class Session extends EventEmitter<SessionEvents> implements AsyncDisposable {
  readonly id: string
  readonly plan: Plan
  readonly #envelope: NativeEnvelope
  /** @internal */
  readonly telling: Telling
  readonly #place: Place
  #isOpeningTold = false
  /** Called once, whether or not anything was left. */
  #whenClosed: (() => void) | undefined
  #closed: readonly SessionStep[] = []
  #leftInOutputs: readonly LeftInOutput[] = []
  #hasFailed = false
  #kept: Kept | undefined
  #isClosed = false
  /** Undefined if the session has no limit to watch, or nothing runs in it any more. */
  readonly #watch: LimitWatch | undefined
  readonly #opened = performance.now()
  #limitEvents: LimitEvents | undefined
  readonly #networkEvents: NetworkEvents | undefined
  /** Under way: neither a command begins nor the session closes meanwhile. */
  #atLayers: Promise<unknown> | undefined
  #areChangesApplied = false
  /** Under way, or done; undefined after one that left something. */
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(id: string, plan: Plan, envelope: NativeEnvelope, watch?: LimitWatch, whenClosed?: () => void) {
    super()
    this.id = id
    this.plan = plan
    this.#envelope = envelope
    this.#watch = watch
    this.#whenClosed = whenClosed
    this.telling = new Telling(id, this)
    this.#networkEvents = networkEventsOf(id, plan, this.telling)
    this.#place = this.#placeOf(plainFrame)
    if (canComeNear(plan.limits)) this.#heedLimitListeners()
  }

  /**
   * Once, when it is complete.
   * @internal
   */
  tellOpening(): this {
    if (this.#isOpeningTold) return this
    // Also if nobody listens: a later listener hears of the closing only.
    this.#isOpeningTold = true
    if (!this.telling.hears('step')) return this
    tellSteps(this.telling, 'open', this.#envelope.steps)
    return this
  }

  /** The steps of opening, in order, and how long each took. After `close`, the steps of closing as well. */
  get steps(): readonly SessionStep[] {
    return [...this.#envelope.steps, ...this.#closed]
  }

  /** After `close`: what builds put on files of the outputs and the kernel lets nobody remove, such as an encryption policy. */
  get leftInOutputs(): readonly LeftInOutput[] {
    return this.#leftInOutputs
  }

  /** After `close`, if the spec has `keep` and a command failed: the copy of what was in the session. */
  get kept(): Kept | undefined {
    return this.#kept
  }

  /**
   * A command that is not run by the session itself did not succeed in it.
   * @internal
   */
  noteFailure(): void {
    this.#hasFailed = true
  }

  /**
   * What its network of names refused, and connections that failed there, since a time by performance.now().
   * @internal
   */
  networkTroubles(since: number): readonly NetworkTrouble[] {
    return this.#networkEvents?.troubles(since) ?? []
  }

  /**
   * Runs a command to its end. The result is a promise and the running command at the same time. The promise rejects with a CommandError if the command did not
   * succeed, a SystemCallError if it could not be started, an InvalidCommandError naming the wrong argument or option, or the reason of a `signal` that was
   * aborted before.
   */
  run<Options extends RunOptions = Record<never, never>>(command: Command, options?: Options): Running<StdioOf<Options>> {
    return new Running(this.#place, command, options)
  }

  /**
   * Starts a command and returns it, with the members of Node's ChildProcess. If the command cannot be started, `error` is emitted.
   * @throws InvalidCommandError naming the wrong argument or option, SessionClosedError also while `changes` is under way
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
      const { jail, mappedOutputs, ...record } = await this.#envelope.record()
      // An ordinary caller's session has one id of the host, the caller's.
      const isWalked = this.plan.ownership === 'folder' && record.ids?.users.every(({ count }) => count === 1) !== true
      const ownedOf = (path: string): OutputRecord['owned'] => (mappedOutputs.includes(path) ? 'at-once' : isWalked ? 'at-close' : 'as-built')
      const outputs = this.plan.mounts.filter(isLent).map(({ target }) => ({ path: target, owned: ownedOf(target) }))
      return { ...record, outputs, ...(jail && { jail: jailRecordOf(jail) }), limits: [...record.limits, ...(await this.#ownLimits())] }
    } catch (error) {
      throw jobError(error)
    }
  }

  /**
   * What the processes of the session have used together, as far as the system accounts it.
   * @throws SessionClosedError, SystemCallError
   */
  async usage(): Promise<SessionUsage> {
    this.#refuseWhenClosed()
    try {
      return await this.#envelope.usage()
    } catch (error) {
      throw typed(error)
    }
  }

  /**
   * The paths that were looked up in the session so far. Complete after `close`.
   * @throws TypeError if the plan has no `trace`, SystemCallError
   */
  async trace(): Promise<Trace> {
    if (!this.plan.trace) throw new TypeError(`session ${this.id} has no trace: its spec has no trace: true`)
    return readTrace(await this.#envelope.seenPaths())
  }

  /**
   * The processes that run in the session now, without zombies.
   * @throws SessionClosedError, SystemCallError
   */
  async processes(): Promise<SessionProcess[]> {
    this.#refuseWhenClosed()
    try {
      return await this.#envelope.processes()
    } catch (error) {
      throw typed(error)
    }
  }

  /**
   * Sends SIGKILL to every process of the session and to each command that has begun. The session stays open. Does nothing after `close`.
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
   * Ends everything in the session, and reports what commands did in each overlay. The changes themselves are not kept. Empty if the session has no overlay.
   * If a folder of the source was removed and made again, what it lacks now counts as removed. An overlay that is a copy is compared with its source by sizes,
   * modes and times. Meanwhile `run` and `close` wait; `spawn` cannot wait and is refused.
   * @throws SessionClosedError, SystemCallError
   */
  async changes(): Promise<readonly Changes[]> {
    this.#refuseWhenClosed()
    return await this.#whenEnded(() => changesIn(this.#envelope, this.plan.mounts))
  }

  /**
   * Ends everything in the session, and writes the changes of overlays into their sources. It replaces each file as a whole, and removes by exact paths. A path
   * of a source that has changed since the first command stays as it is, and is in `left`. No link in a source is followed. A file gets the owner, the access
   * list and the attributes (user.*) of the file that it replaces, or else the owner of the source, and no set-id bits. Afterwards the session takes no more
   * commands. A copy cannot be applied, and so no overlay on FreeBSD.
   * @param targets of the overlays. Default: all.
   * @throws SpecError if a target is not an overlay of the session, or is a copy, SessionClosedError, SystemCallError if not everything could be done
   */
  async applyChanges(targets: readonly string[] = this.plan.mounts.filter(isThrownAway).map(({ target }) => target)): Promise<readonly Applied[]> {
    this.#refuseWhenClosed()
    const asked = readList(targets, 'targets', 'a list of paths').map((target, index) => refuseToApply(this.plan, target, `targets[${index}]`))
    this.#areChangesApplied = true
    return await this.#whenEnded(() => this.#envelope.apply(asked)).catch((error: unknown) => {
      throw typed(error)
    })
  }

  /** Does something with the layers of overlays, one call at a time, once nothing runs in the session. */
  async #whenEnded<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#atLayers
    const acting = (async () => {
      await before?.catch(() => {})
      // A command that was ready already begins in this turn, and is killed with the others.
      await nextTurn()
      await this.killAll()
      return await act()
    })()
    this.#atLayers = acting
    try {
      return await acting
    } finally {
      if (this.#atLayers === acting) this.#atLayers = undefined
    }
  }

  /** Waits until no call uses the layers: others may have come while one was waited for. */
  async #layersLeft(): Promise<void> {
    while (this.#atLayers !== undefined) await this.#atLayers.catch(() => {})
  }

  /**
   * Kills everything that still runs, and removes the session. Safe to call again, also at the same time: after a failure the next call tries the rest again,
   * otherwise it does nothing.
   * @throws TeardownError listing what could not be undone, after up to 2 seconds of retries for what is busy, and up to 10 for processes that do not end.
   */
  close(): Promise<void> {
    this.#isClosed = true
    this.#watch?.over()
    this.#limitEvents?.over()
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
    try {
      await this.#takeAway()
      this.telling.tell('close', () => ({ error: undefined }))
    } catch (error) {
      this.telling.tell('close', () => ({ error }))
      throw error
    }
  }

  async #takeAway(): Promise<void> {
    // Of a base, which its command completed.
    this.tellOpening()
    // It reads by a descriptor that closing lets go of, and another file would have its number then.
    await this.#atLayers?.catch(() => {})
    const { keep, keepIn } = this.plan
    if (keep !== undefined && keepIn !== undefined && this.#hasFailed) this.#kept ??= await keepFiles(keep, keepIn, this.id, this.plan, this.#envelope)
    const { steps, failures, leftInOutputs } = await this.#envelope
      .close()
      .catch((error: unknown) => {
        throw typed(error)
      })
      .finally(() => {
        this.#networkEvents?.over()
        this.#whenClosed?.()
        this.#whenClosed = undefined
      })
    this.#closed = [...this.#closed, ...steps]
    tellSteps(this.telling, 'close', steps)
    this.#leftInOutputs = [...this.#leftInOutputs, ...leftInOutputs]
    if (failures.length > 0) throw teardownError(this.id, failures)
  }

  #placeOf(frame: JobFrame): Place {
    return {
      telling: this.telling,
      plan: () => this.plan,
      ready: () => (this.#atLayers === undefined ? undefined : this.#layersLeft()),
      start: (job, command) => {
        this.#refuseWhenClosed()
        // defence: nothing-spawned-beside-changes
        if (frame === spawnFrame && this.#atLayers !== undefined) throw new SessionClosedError(`session ${this.id} spawns nothing while its changes are counted: spawn when \`changes\` has resolved, or use \`run\`, which waits`, 'launch')
        this.#watch?.add(job)
        return binding().start(this.#envelope, packJob(job, command, frame))
      },
      limit: () => this.#watch?.ended,
      noteFailure: () => this.noteFailure(),
      troubles: (since) => this.networkTroubles(since),
      over: () => undefined,
    }
  }

  /** Usage is read only while `limit` has a listener. */
  #heedLimitListeners(): void {
    const limitEvents = new LimitEvents(this.telling, this.plan.limits, () => this.usage(), this.#opened)
    this.#limitEvents = limitEvents
    const look = (name: string): void => {
      // `newListener` comes before the listener is there.
      if (name === 'limit') queueMicrotask(() => limitEvents.look())
    }
    const own = this as EventEmitter
    own.on('newListener', look).on('removeListener', look)
    limitEvents.look()
  }

  async #ownLimits(): Promise<LimitRecord[]> {
    const { limits } = this.plan
    return ownLimits(limits, limits.cpuTime !== undefined && (await this.#envelope.usage()).cpuTime !== undefined)
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new SessionClosedError(`session ${this.id} is closed`, 'launch')
    if (this.#areChangesApplied) throw new SessionClosedError(`session ${this.id} has had its changes applied, and takes nothing more`, 'launch')
  }
}

export function tellSteps(telling: Telling, phase: StepEvent['phase'], steps: readonly SessionStep[]): void {
  for (const { step, path, ns } of steps) telling.tell('step', () => ({ phase, step, path, ns }))
}

/**
 * Known once the session is closed.
 * @throws SystemCallError if there is no memory for its trace
 */
export async function aftermathOf(session: Session): Promise<Aftermath> {
  const { leftInOutputs, kept, plan } = session
  return { leftInOutputs, kept, trace: plan.trace ? await session.trace() : undefined }
}

/**
 * Ends everything in the session and copies what would be lost with it. It never rejects: closing goes on even if keeping fails.
 * @param folder of `keep`
 * @param within that folder, or the one that it is missing in, as it was planned
 */
async function keepFiles(folder: string, within: KeepIn, id: string, { mounts, cwd }: Plan, envelope: NativeEnvelope): Promise<Kept> {
  const kept = nodePath.join(folder, id)
  try {
    await envelope.killAll()
    // An overlay is copied as a whole, and may be large.
    const kinds = mounts.filter((mount) => mount.kind === 'tmpfs' || (isThrownAway(mount) && isWithin(cwd, mount.target)))
    const { left, failure } = await envelope.keep(kinds.map(({ target }) => target), placeOf(folder, within, id))
    return { path: kept, left, error: failure === undefined ? undefined : (jobError(failure) as Error) }
  } catch (error) {
    return { path: kept, left: [], error: jobError(error) as Error }
  }
}

/** Native code finds it again, by descriptor: the folder may have been exchanged since. */
function placeOf(folder: string, { path: existing, identity }: KeepIn, id: string): NativeKeepPlace {
  const [dev, ino] = [identity.dev, identity.ino].map((number) => BigInt.asUintN(64, BigInt(number))) as [bigint, bigint]
  return { folder: existing, dev, ino, missing: nodePath.relative(existing, folder), id }
}

/**
 * @param failures as native code reports them
 * @param cause the error before, where there was one
 */
export function teardownError(id: string, failures: readonly unknown[], cause?: unknown): TeardownError {
  return new TeardownError('ERR_BUILDJAIL_TEARDOWN', id, failures.map((failure) => typed(failure) as BuildjailError), cause)
}
