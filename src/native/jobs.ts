import { isNativeFailure, typed, type Advice, type NativeFailure } from '../errors.ts'
import type { NativeBinding, NativeJobEnd, NativeListener, NativeNetworkEvent } from './binding.ts'
import { binding } from './load.ts'
import { asking, specText } from '../spec/messages.ts'

export type JobEnd = NativeJobEnd

/** Gets the events of one job. */
export interface JobListener {
  /** If the job asks for it. */
  started?(pid: number): void
  /** Once, last. */
  ended(end: JobEnd): void
}

/** Gets the network events of one session. */
export type NetworkListener = (events: readonly NativeNetworkEvent[]) => void

/** The work under way in the addon. */
interface ExpectedJobs {
  /** By number. A Map that loses its last entry is made anew, at a cost to each job: so one stays, and no job has number 0. */
  readonly listeners: Map<number, JobListener>
  lastJob: number
  /** By the ids of sessions. */
  readonly networks: Map<string, NetworkListener>
}

/** The addon has one listener, and a program may load this module twice, for example in a bundle and as the package. So the addon itself keeps it. */
const key = Symbol.for('buildjail.expected-jobs')
type Keeping = { [key]?: ExpectedJobs }
let jobs: ExpectedJobs | undefined

/** Native code has the numbers above for runs of its own (Waiter::new_run of native/launch/waiter.h). */
const lastNumber = 0x7fff_ffff

/** A number for a job, and the listener for it. It is registered before the job begins, so that nothing is missed. */
export function expectJob(telling: JobListener): number {
  const { listeners } = (jobs ??= expectedJobs())
  jobs.lastJob = (jobs.lastJob % lastNumber) + 1
  listeners.set(jobs.lastJob, telling)
  return jobs.lastJob
}

/** Whether its end was not reported yet. */
export function isJobExpected(job: number): boolean {
  return job !== 0 && jobs?.listeners.has(job) === true
}

/** The job did not begin. */
export function forgetJob(job: number): void {
  jobs?.listeners.delete(job)
}

/** Listens to a session's network until the returned function is called. */
export function hearNetwork(session: string, listener: NetworkListener): () => void {
  const { networks } = (jobs ??= expectedJobs())
  networks.set(session, listener)
  return () => {
    if (networks.get(session) === listener) networks.delete(session)
  }
}

/** To be called before any later report is asked for (NativeBinding.listen). */
export function listenOnce(): void {
  jobs ??= expectedJobs()
}

function expectedJobs(): ExpectedJobs {
  const addon: NativeBinding & Keeping = binding()
  return (addon[key] ??= listen(addon))
}

function listen(addon: NativeBinding): ExpectedJobs {
  const listeners = new Map<number, JobListener>([[0, { ended: () => {} }]])
  const networks: ExpectedJobs['networks'] = new Map()
  const listener: NativeListener = {
    started: (job, pid) => listeners.get(job)?.started?.(pid),
    ended: (job, end) => {
      const ending = listeners.get(job)
      listeners.delete(job)
      ending?.ended(end)
    },
    network: (session, events) => networks.get(session)?.(events),
  }
  try {
    addon.listen(listener)
  } catch (failure) {
    throw jobError(failure)
  }
  // process.exit() and an uncaught exception end the process without tearing the environment down.
  process.once('exit', () => addon.shutDown())
  return { listeners, lastJob: 0, networks }
}

/** Errors of a kernel whose host is not set up for sessions. */
const ofTheHost: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'ENOSPC', 'ENOSYS', 'ENODEV', 'EUSERS'])

/** Steps in which a session is refused because of another live one, as the `detail` of the error says. */
const ofOthers: ReadonlySet<string> = new Set(['output-lease', 'nested-sources'])
const waiting = { wait: '1m' }
const besideOthers = `use one session with all of the outputs, or name only folders that no other session writes to, or let this one wait for the other (${specText(waiting)})`

/** The typed error of a job that failed, with a remedy if one is known: doctor's, for example, if the host cannot open sessions. */
export function jobError(failure: unknown): unknown {
  if (!isNativeFailure(failure)) return failure
  const error = typed(failure, adviceFor(failure))
  return isOfOthers(failure) ? asking(error, waiting) : error
}

function isOfOthers({ code, step }: Pick<NativeFailure, 'code' | 'step'>): boolean {
  return code === 'EBUSY' && ofOthers.has(step)
}

/** The same error, after waiting for the other sessions. */
export function havingWaited<T extends Error>(error: T, milliseconds: number): T {
  const value = error.message.replace('wait for the other (', `wait for the other longer than the ${milliseconds} ms that it has waited (`)
  return Object.defineProperty(error, 'message', { value })
}

/** Steps that look into a session by what the kernel shows of its processes, and where the path begins that they fail at then. */
const looking: ReadonlyMap<string, string> = new Map([['record', '/proc/'], ['keep', '/proc/'], ['filter', '/'], ['terminal', '/dev/pts/']])

/** Of mounts and namespaces Linux has so many and no more; a mount that is nowhere yet is in a namespace of its own (open_tree(2)). */
const ofMounts: ReadonlySet<string> = new Set(['clone', 'unshare', 'open_tree', 'fsmount', 'move_mount', 'mount'])
const tooMany: Advice = { remedy: 'raise the sysctls user.max_*_namespaces and fs.mount-max' }

function adviceFor({ code, step, syscall, path, remedy }: NativeFailure): Advice | undefined {
  if (isOfOthers({ code, step })) return { remedy: [...(remedy === undefined ? [] : [remedy]), besideOthers].join('; or ') }
  if (!ofTheHost.has(code)) return undefined
  const { obstacles, limitations } = binding().preflight()
  const begins = looking.get(step)
  const isLooking = begins !== undefined && path?.startsWith(begins) === true
  const limitation = limitations.find(({ check }) => (step === 'network' ? check === 'network' : isLooking && check === 'ptrace'))
  return obstacles[0] ?? limitation ?? (code === 'ENOSPC' && ofMounts.has(syscall) ? tooMany : undefined)
}
