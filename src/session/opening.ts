import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { isAbortSignal } from '../command/options.ts'
import { isBuildjailError, SpecError, type BuildjailError } from '../errors.ts'
import type { NativeEnvelope, NativePlan } from '../native/binding.ts'
import type { Copied } from '../native/record.ts'
import { expectJob, forgetJob, havingWaited, jobError, listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { packJob, plainFrame, type JobFrame } from '../native/wire-job.ts'
import { invalid, readRecord } from '../spec/check.ts'
import { outputKeys } from '../spec/outputs.ts'
import { withCopyAt, withOutputsMade, type Identity, type Plan } from '../spec/plan.ts'

// Jobs without a command.

/**
 * @param plan of it `native` was read
 * @param wait milliseconds, for what another session has
 * @throws UnsupportedError where one of the plan's limits cannot be held, SystemCallError
 */
export async function openEnvelope(native: NativePlan, id: string, plan: Plan, wait: number, watching: Watching = {}): Promise<NativeEnvelope> {
  const frame: JobFrame = { ...plainFrame, id }
  const attempt = (): Promise<NativeEnvelope | undefined> => runJob(native, frame, watching)
  return (await (wait === 0 ? attempt() : whileTaken(plan, wait, attempt, watching.signal))) as NativeEnvelope
}

/**
 * Completes an envelope that was opened of a base, by the mounts that its session has beyond the base. Nothing can be launched in it before.
 * @param rest as `packRest` packs it
 * @throws SystemCallError
 */
export async function completeEnvelope(base: NativeEnvelope, rest: Uint8Array, watching: Watching): Promise<void> {
  await runJob(base, { ...plainFrame, rest }, watching)
}

/** Devices whose folders have been overlays here: the host can have more of them. */
const layered = new Set<string>()

const overlayDevices = ({ mounts }: Plan): string[] => mounts.flatMap(({ kind, identity }) => (kind === 'overlay' && identity !== undefined ? [identity.dev] : []))

/** Whether opening copies an input, or may have to. That takes long, and `signal` can end it: it goes by `withCopies`, before a command is sent. */
export function mayCopyInputs(plan: Plan): boolean {
  return plan.mounts.some(({ kind }) => kind === 'copy') || overlayDevices(plan).some((device) => !layered.has(device))
}

/**
 * Opens by a plan. Where the host cannot have an overlay for an input, it opens by the plan that has a copy in its place and says why.
 * @throws what the last try threw
 */
export async function withCopies<T>(plan: Plan, open: (plan: Plan) => Promise<T>): Promise<T> {
  for (let tried = plan; ; ) {
    try {
      const opened = await open(tried)
      for (const device of overlayDevices(tried)) layered.add(device)
      return opened
    } catch (error) {
      const isRefused = isBuildjailError(error) && error.code === 'ERR_BUILDJAIL_OVERLAY_UNSUPPORTED'
      const instead = isRefused ? withCopyAt(tried, error.dest, error.message) : undefined
      if (instead === undefined) throw error
      tried = instead
    }
  }
}

function runJob(of: NativePlan | NativeEnvelope, frame: JobFrame, { signal, onCopying }: Watching): Promise<NativeEnvelope | undefined> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = (): void => void binding().kill(job, 'SIGKILL', 'tree')
    const telling = onCopying === undefined ? undefined : setInterval(() => tellCopied(job, onCopying), copyingTold)
    const job = expectJob({
      ended: ({ failure, envelope }) => {
        clearInterval(telling)
        signal?.removeEventListener('abort', stop)
        if (failure === undefined) resolve(envelope)
        else reject(jobError(failure))
      },
    })
    signal?.addEventListener('abort', stop)
    try {
      binding().start(of, packJob(job, undefined, frame))
    } catch (error) {
      clearInterval(telling)
      signal?.removeEventListener('abort', stop)
      forgetJob(job)
      reject(jobError(error))
    }
  })
}

/** Milliseconds from one call to the next. */
const copyingTold = 200

function tellCopied(job: number, onCopying: (copied: Copied) => void): void {
  const copied = binding().copied(job)
  if (copied.files > 0 || copied.bytes > 0) onCopying(copied)
}

/** The options that the opening of a session watches and calls. */
export type Watching = Pick<OpenOptions, 'signal' | 'onCopying'>

export interface OpenOptions {
  /**
   * Called five times a second while inputs are copied (an `overlay` that is a copy), with what is copied so far. An error that it throws is an uncaught
   * exception.
   */
  readonly onCopying?: (copied: Copied) => void
  /**
   * Ends the wait for a turn (`maxSessions`), for what another session has (`wait` of the spec), and for the copy of an input (an `overlay` that is a copy).
   */
  readonly signal?: AbortSignal
  /**
   * False: a missing output is refused (SpecError). Use it if another program makes and removes the folders. Default: true, a missing
   * output is made.
   */
  readonly makeOutputs?: boolean
}

/**
 * A copy, each option read once.
 * @throws SpecError
 */
export function checkOpenOptions(options: OpenOptions): OpenOptions {
  const { signal, onCopying, makeOutputs = true, ...others } = readRecord(options, 'options')
  for (const name of Object.keys(others)) throw invalid(name, 'is not an option of opening a session')
  if (typeof makeOutputs !== 'boolean') throw invalid('makeOutputs', 'must be true or false')
  if (onCopying !== undefined && typeof onCopying !== 'function') throw invalid('onCopying', 'must be a function')
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'must be an AbortSignal')
  return { makeOutputs, ...(signal !== undefined && { signal }), ...(onCopying !== undefined && { onCopying: onCopying as NonNullable<OpenOptions['onCopying']> }) }
}

export function lacksOutputs({ mounts }: Plan): boolean {
  return mounts.some(({ missingIn }) => missingIn !== undefined)
}

/**
 * The plan with its missing outputs made, on a thread of native code, by descriptor, so that no link leads elsewhere. They stay. A plan that
 * is opened again makes them again if they were removed.
 * @throws SystemCallError of the step `make-output`, SpecError with `makeOutputs: false`
 */
export async function withOutputs(plan: Plan, makeOutputs = true): Promise<Plan> {
  if (!lacksOutputs(plan)) return plan
  const made = new Map<string, Identity>()
  for (const { source = '', missingIn, entry } of plan.mounts) {
    if (missingIn === undefined) continue
    if (!makeOutputs) throw new SpecError('ERR_BUILDJAIL_SOURCE_MISSING', entry, `${source} does not exist`, { path: source })
    made.set(source, await folderMade(missingIn, source.slice(missingIn === '/' ? 1 : missingIn.length + 1)))
  }
  return withOutputsMade(plan, ({ source }) => made.get(source) as Identity)
}

async function folderMade(existing: string, missing: string): Promise<Identity> {
  try {
    listenOnce()
    const [dev, ino] = await binding().makeFolder(existing, missing)
    return { dev, ino }
  } catch (error) {
    throw jobError(error)
  }
}

/** By device and inode: outputs of sessions that close in the background, and when that is over. */
const leaving = new Map<string, Promise<unknown>>()

/** Notes that a session of this plan closes in the background. */
export function outputsLeave(plan: Plan, closing: Promise<unknown>): void {
  for (const key of outputKeys(plan.mounts)) {
    const over: Promise<unknown> = closing
      .catch(() => {})
      .finally(() => {
        if (leaving.get(key) === over) leaving.delete(key)
      })
    leaving.set(key, over)
  }
}

/**
 * A moment later an output is its owner's again; a caller that asks for it at once waits for that moment, because no other session has it.
 * Undefined if there is nothing to wait for.
 */
export function outputsReturning(plan: Plan): Promise<unknown> | undefined {
  if (leaving.size === 0) return undefined
  const waited = outputKeys(plan.mounts).flatMap((key) => leaving.get(key) ?? [])
  return waited.length === 0 ? undefined : Promise.all(waited)
}

/** The steps in which a session takes what no other session may have at the same time. */
const leasing: ReadonlySet<string | undefined> = new Set(['output-lease', 'nested-sources', 'user-lease'])
const shortest = 5
const longest = 100

/** The outputs that one opening waits for. */
type Wanted = ReadonlySet<string>

/** The openings that wait in this environment, in the order in which they came. */
const line = new Set<Wanted>()

/**
 * Tries again while another session has what this one needs. The waiting is done here and on no thread of native code, which the
 * session that has it may need. Openings that wait for the same output take their turns in order, but for one last try when its time is over.
 * @param plan whose outputs are wanted
 * @param wait milliseconds
 * @param signal ends the waiting
 * @throws what the last try threw
 */
export async function whileTaken<T>({ mounts, wait: asked }: Pick<Plan, 'mounts' | 'wait'>, wait: number, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const end = performance.now() + wait
  const wanted = new Set(outputKeys(mounts))
  line.add(wanted)
  try {
    for (let pause = shortest; ; pause = Math.min(pause * 2, longest)) {
      const left = end - performance.now()
      const isOver = left <= 0 || signal?.aborted === true
      if (isOver || !isBehindOthers(wanted)) {
        try {
          return await attempt()
        } catch (error) {
          if (!isTaken(error)) throw error
          if (isOver) throw signal?.aborted === true || asked === 0 ? error : havingWaited(error, asked)
        }
      }
      await sleep(Math.max(Math.min(pause, end - performance.now()), 0), undefined, signal === undefined ? {} : { signal }).catch(() => {})
    }
  } finally {
    line.delete(wanted)
  }
}

function isBehindOthers(wanted: Wanted): boolean {
  for (const other of line) {
    if (other === wanted) return false
    for (const key of wanted) if (other.has(key)) return true
  }
  return false
}

function isTaken(error: unknown): error is BuildjailError {
  return isBuildjailError(error) && error.code === 'EBUSY' && leasing.has(error.step)
}

const idBytes = 8
// Filled for many sessions at once, as each filling is a system call.
const entropy = Buffer.alloc(idBytes * 256)
let entropyUsed = entropy.length

/** Of a session: 16 hexadecimal digits. */
export function newId(): string {
  if (entropyUsed === entropy.length) {
    fill(entropy)
    entropyUsed = 0
  }
  const id = entropy.toString('hex', entropyUsed, entropyUsed + idBytes)
  entropyUsed += idBytes
  return id
}

/** By random(4) itself, which every session has as well. To load node:crypto takes longer than to open a session. */
function fill(buffer: Buffer): void {
  const device = openSync('/dev/urandom', 'r')
  try {
    for (let filled = 0; filled < buffer.length; ) filled += readSync(device, buffer, filled, buffer.length - filled, null)
  } finally {
    closeSync(device)
  }
}
