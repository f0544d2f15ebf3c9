import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import type { NativeFailure } from '../../src/errors.ts'
import type {
  NativeBinding,
  NativeCloseReport,
  NativeEnvelope,
  NativeListedSession,
  NativeListener,
  NativeNetworkEvent,
  NativePipes,
  NativePreflight,
  NativeRecord,
} from '../../src/native/binding.ts'
import type { Copied, RecoveryReport, SessionUsage } from '../../src/native/record.ts'
import { answerTo } from './answer-to.ts'
import { readJob, readPlan, type ReadCommand, type ReadJob, type ReadPlan, type ReadStep } from './wire-reader.ts'

/** A command that was launched. */
export interface FakeLaunch extends ReadCommand {
  readonly job: number
  /** Its own ends of its pipes, by descriptor number; -1 where that one is no pipe. */
  readonly ends: readonly [stdin: number, stdout: number, stderr: number]
}

/** How a command ends. */
export interface FakeExit {
  readonly exitCode?: number
  readonly signal?: string
  readonly isMaxBuffer?: boolean
  readonly stdout?: Buffer
  readonly stderr?: Buffer
  readonly inputFailure?: NativeFailure
  readonly outputFailure?: NativeFailure
  readonly limit?: string
}

/** How the fake acts in one test; each starts with these. */
const plain = {
  /** What a launched command does. */
  behaviour: (launch: FakeLaunch, addon: FakeAddon): void => addon.exit(launch.job),
  /** What a signal does to it, beside being noted. */
  onSignal: (_job: number, _signal: string | number, _addon: FakeAddon): void => {},
  /** How long a launch takes. */
  launching: (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve)),
  /** How long an opening takes. */
  opening: async (): Promise<unknown> => undefined,
  openFailure: undefined as unknown,
  launchFailure: undefined as unknown,
  completeFailure: undefined as unknown,
  recordFailure: undefined as unknown,
  /** What a session has taken by now. */
  usage: async (): Promise<SessionUsage> => ({}),
  closeFailure: undefined as unknown,
  recoveryReport: { recovered: [], leftAlone: [] } as RecoveryReport,
  listedSessions: [] as NativeListedSession[],
  preflight: { obstacles: [], limitations: [] } as NativePreflight,
  keepFailure: undefined as unknown,
  notKept: [] as readonly string[],
  closeReport: { steps: [{ step: 'jail_remove', ns: 5 }], failures: [], leftInOutputs: [] } as NativeCloseReport,
}

const kernelSays: NativeRecord = { id: 'fake', root: '/root', mounts: [], jail: [['big', 'ulong', new Uint8Array(new BigUint64Array([2n ** 63n]).buffer)]], mappedOutputs: [], limits: [] }
const pipeKinds: readonly number[] = [0, 5]

/** An addon without a kernel: it notes what it was asked for, and commands end when and how a test says. */
export class FakeAddon implements NativeBinding {
  shutDown(): void {}
  releaseDescriptor(): void {}
  closeDescriptor(): void {}
  script: typeof plain = plain
  opened: ReadPlan[] = []
  completed: (readonly ReadStep[])[] = []
  launched: FakeLaunch[] = []
  jobs: ReadJob[] = []
  /** Of the last recovery or listing. */
  stateDirectory: string | undefined
  /** In order: `open`, `complete`, `launch`, a signal and whom it was sent to, `kill all`, `record`, `close`. */
  acts: string[] = []
  #listener: NativeListener | undefined
  /** Commands that have not ended. */
  readonly #running = new Map<number, (how: FakeExit) => void>()

  /** A fresh start, apart from the listener: the package sets that once a process. */
  reset(script: Partial<typeof plain> = {}): void {
    this.script = { ...plain, ...script }
    this.opened = []
    this.completed = []
    this.launched = []
    this.jobs = []
    this.acts = []
    this.spent = new Map()
  }

  async recover(stateDirectory: string): Promise<RecoveryReport> {
    this.stateDirectory = stateDirectory
    return this.script.recoveryReport
  }

  async listSessions(stateDirectory: string): Promise<NativeListedSession[]> {
    this.stateDirectory = stateDirectory
    return this.script.listedSessions
  }

  preflight(): NativePreflight {
    return this.script.preflight
  }

  listen(listener: NativeListener): void {
    this.#listener = listener
  }

  /** Events of a session's network come. */
  network(session: string, events: readonly NativeNetworkEvent[]): void {
    this.#listener?.network(session, events)
  }

  copied(): Copied {
    return { files: 0, bytes: 0 }
  }

  async usage(job: number): Promise<SessionUsage> {
    return this.#running.has(job) ? this.script.usage() : {}
  }

  async look(questions: string): Promise<string> {
    return questions.split('\0').map(answerTo).join('\0')
  }

  namedFiles(): readonly string[] {
    return []
  }

  async sizeOfOutputs(): Promise<{ readonly bytes: number; readonly files: number }> {
    return { bytes: 0, files: 0 }
  }

  async makeFolder(existing: string, missing: string): Promise<readonly [string, string]> {
    const made = path.join(existing, missing)
    mkdirSync(made, { recursive: true })
    const { dev, ino } = statSync(made, { bigint: true })
    return [String(dev), String(ino)]
  }

  readPlan(packed: Uint8Array): ReadPlan {
    return readPlan(packed)
  }

  /** The command of a job ends. */
  exit(job: number, how: FakeExit = { exitCode: 0 }): void {
    this.#running.get(job)?.(how)
    this.#running.delete(job)
  }

  kill(job: number, signal: string | number, whom: 'group' | 'tree'): boolean {
    if (!this.#running.has(job)) return false
    this.acts.push(`${signal} ${whom}`)
    this.script.onSignal(job, signal, this)
    return true
  }

  pidOf(job: number): number | undefined {
    return this.#running.has(job) ? 4711 : undefined
  }

  resizeTerminal(job: number): boolean {
    return this.#running.has(job)
  }

  /** Of each job: how much of its output was read. */
  spent = new Map<number, number>()

  #spend(job: number, most: number, bytes: number): number {
    const before = this.spent.get(job) ?? 0
    this.spent.set(job, before + bytes)
    return Math.min(bytes, Math.max(0, most - before))
  }

  lookAtTerminal(): void {}

  giveBackTerminal(): void {}

  start(of: object, packed: Uint8Array): NativePipes | undefined {
    const job = readJob(packed)
    this.jobs.push(job)
    const pairs = (job.command?.stdio ?? []).map(({ kind }, index) => (pipeKinds.includes(kind) ? fifo(index === 0) : undefined))
    const ends = [0, 1, 2].map((index) => pairs[index]?.theirs ?? -1) as unknown as FakeLaunch['ends']
    void this.#process(of, job, ends)
    if (pairs.every((pair) => pair === undefined)) return undefined
    const pipes = [0, 1, 2].map((index) => pairs[index]?.ours ?? -1) as [number, number, number]
    const most = Number(job.command?.limits['stdio'] ?? 0)
    return most === 0 ? pipes : [...pipes, (bytes) => this.#spend(job.job, most, bytes)]
  }

  async #process(of: object, job: ReadJob, ends: FakeLaunch['ends']): Promise<void> {
    let opened: NativeEnvelope | undefined
    try {
      if (!('killAll' in of)) {
        await this.script.opening()
        opened = this.#open(of as ReadPlan)
      }
      if (job.rest !== undefined) this.#complete(job.rest)
      const exit = job.command === undefined ? {} : await this.#run({ ...job.command, job: job.job, ends }, job.tellsStarted)
      await this.#tell(job, opened, undefined, exit)
    } catch (failure) {
      await this.#tell(job, opened, failure, {})
    } finally {
      for (const end of ends) if (end >= 0) closeSync(end)
    }
  }

  #open(plan: ReadPlan): NativeEnvelope {
    this.acts.push('open')
    if (this.script.openFailure !== undefined) throw this.script.openFailure
    this.opened.push(plan)
    return {
      steps: [{ step: 'tmpfs', path: '/root', ns: 1500 }],
      layers: () => [],
      isOpaque: async () => false,
      killAll: async () => {
        this.acts.push('kill all')
        for (const { job } of this.launched) this.exit(job, { signal: 'SIGKILL' })
      },
      keep: async (targets, { id }) => {
        this.acts.push(`keep ${targets.join(' ')} ${id}`)
        return { left: this.script.notKept, failure: this.script.keepFailure }
      },
      record: async () => {
        this.acts.push('record')
        if (this.script.recordFailure !== undefined) throw this.script.recordFailure
        return kernelSays
      },
      usage: async () => this.script.usage(),
      seenPaths: async () => Buffer.alloc(0),
      processes: async () => [],
      apply: async () => [],
      close: async () => this.#close(),
    }
  }

  #close(): NativeCloseReport {
    this.acts.push('close')
    if (this.script.closeFailure !== undefined) throw this.script.closeFailure
    return this.script.closeReport
  }

  #complete(rest: readonly ReadStep[]): void {
    this.acts.push('complete')
    if (this.script.completeFailure !== undefined) throw this.script.completeFailure
    this.completed.push(rest)
  }

  async #run(launch: FakeLaunch, tellsStarted: boolean): Promise<FakeExit> {
    if (this.script.launchFailure !== undefined) throw this.script.launchFailure
    this.acts.push('launch')
    this.launched.push(launch)
    const ending = new Promise<FakeExit>((resolve) => this.#running.set(launch.job, resolve))
    const { behaviour, launching } = this.script
    await launching()
    if (tellsStarted) this.#listener?.started(launch.job, 4711)
    behaviour(launch, this)
    return ending
  }

  async #tell({ job, command, closes, tellsSteps }: ReadJob, opened: NativeEnvelope | undefined, failure: unknown, how: FakeExit): Promise<void> {
    // Never in the turn of the call.
    await new Promise((resolve) => setImmediate(resolve))
    const closed = closes && opened !== undefined ? this.#close() : undefined
    const isLeft = closed === undefined || closed.failures.length > 0
    const hasRun = command !== undefined && failure === undefined
    this.#listener?.ended(job, {
      ...how,
      ...(failure !== undefined && { failure }),
      ...(hasRun && { usage: { userUs: 1, systemUs: 2, maxRssBytes: 3 } }),
      ...(closes && { sinceExitMs: 0 }),
      ...(isLeft && opened !== undefined && { envelope: opened }),
      ...(tellsSteps && opened !== undefined && { opened: opened.steps }),
      ...((isLeft || tellsSteps) && closed !== undefined && { closed }),
    })
  }
}

/** A pipe, without native code: what is written at one end is read at the other. */
function fifo(isInput: boolean): { readonly ours: number; readonly theirs: number } {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-fifo-'))
  const file = path.join(folder, 'fifo')
  try {
    execFileSync('mkfifo', [file])
    // To read first: without a reader it cannot be opened for writing without waiting (fifo(7)).
    const reading = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const writing = openSync(file, constants.O_WRONLY)
    return isInput ? { ours: writing, theirs: reading } : { ours: reading, theirs: writing }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
