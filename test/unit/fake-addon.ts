import type {
  NativeBinding,
  NativeBuilt,
  NativeCloseReport,
  NativeEnvelope,
  NativeExit,
  NativeLaunched,
  NativeListedSession,
  NativeNotLaunched,
  NativeOpened,
  NativePlan,
  NativePreflight,
  NativeRecord,
  NativeRecoveryReport,
  OnExit,
} from '../../src/native/binding.ts'
import { readLaunch, readPlan, readRest, type ReadLaunch, type ReadPlan, type ReadStep } from './wire-reader.ts'

/** How the fake acts in one test; each starts with these. */
const plain = {
  /** What a launched command does. */
  behaviour: (launch: ReadLaunch, addon: FakeAddon): void => addon.exit(launch.run),
  /** How long a launch takes. */
  launching: (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve)),
  /** Whether to kill everything kills what was launched: not, when that is not there yet. */
  isKilled: (): boolean => true,
  openFailure: undefined as unknown,
  launchFailure: undefined as unknown,
  completeFailure: undefined as unknown,
  recordFailure: undefined as unknown,
  closeFailure: undefined as unknown,
  recoveryReport: { recovered: [], leftAlone: [] } as NativeRecoveryReport,
  listedSessions: [] as NativeListedSession[],
  preflight: { obstacles: [], limitations: [] } as NativePreflight,
  closeReport: { trace: [{ step: 'jail_remove', ns: 5 }], failures: [] } as NativeCloseReport,
}

const kernelSays: NativeRecord = { id: 'fake', root: '/root', mounts: [], jail: { big: 2n ** 63n } }

/** An addon without a kernel: it notes what it was asked for, and commands end when and how a test says. */
export class FakeAddon implements NativeBinding {
  readonly system = 'linux'
  shutDown(): void {}
  releaseDescriptor(): void {}
  closeDescriptor(): void {}
  script: typeof plain = plain
  opened: ReadPlan[] = []
  completed: (readonly ReadStep[])[] = []
  launched: ReadLaunch[] = []
  /** Of the last recovery or listing. */
  stateDirectory: string | undefined
  /** In order: `open`, `launch`, a signal sent to a run, `kill all`, `record`, `close`. */
  acts: string[] = []
  #onExit: OnExit | undefined
  #onFailure: ((failure: NativeNotLaunched) => void) | undefined
  /** Runs of which not the listener is told. */
  readonly #takers = new Map<number, (exit: NativeExit) => void>()

  /** A fresh start, apart from the exit listener: the package sets that once a process. */
  reset(script: Partial<typeof plain> = {}): void {
    this.script = { ...plain, ...script }
    this.opened = []
    this.completed = []
    this.launched = []
    this.acts = []
  }

  async recover(stateDirectory: string): Promise<NativeRecoveryReport> {
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

  setExitListener(onExit: OnExit, onFailure: (failure: NativeNotLaunched) => void): void {
    this.#onExit = onExit
    this.#onFailure = onFailure
  }

  exit(run: number, how: Partial<NativeExit> = { exitCode: 0 }): void {
    const exit = { run, isMaxBuffer: false, userUs: 1, systemUs: 2, maxRssBytes: 3, ...how }
    const taker = this.#takers.get(run)
    this.#takers.delete(run)
    if (taker !== undefined) return taker(exit)
    const { exitCode, signal, isMaxBuffer, userUs, systemUs, maxRssBytes, stdout, stderr } = exit
    this.#onExit?.(run, exitCode, signal, isMaxBuffer, userUs, systemUs, maxRssBytes, stdout, stderr)
  }

  readPlan(packed: Uint8Array): ReadPlan {
    return readPlan(packed)
  }

  async openEnvelope(plan: NativePlan): Promise<NativeEnvelope> {
    this.acts.push('open')
    if (this.script.openFailure !== undefined) throw this.script.openFailure
    this.opened.push(plan as ReadPlan)
    const complete = async (rest: Uint8Array): Promise<void> => {
      this.acts.push('complete')
      if (this.script.completeFailure !== undefined) throw this.script.completeFailure
      this.completed.push(readRest(rest).steps)
    }
    const failing = ({ run }: ReadLaunch) => (failure: unknown) => this.#onFailure?.({ run, failure })
    return {
      trace: [{ step: 'tmpfs', path: '/root', ns: 1500 }],
      complete,
      launch: (request) => this.#launch(readLaunch(request)),
      run: (request) => {
        const launch = readLaunch(request)
        this.#launch(launch).spawned.catch(failing(launch))
      },
      completeAndRun: (rest, request) => {
        const launch = readLaunch(request)
        complete(rest)
          .then(() => this.#launch(launch).spawned)
          .catch(failing(launch))
      },
      kill: (_run, signal) => {
        this.acts.push(signal)
        return true
      },
      killAll: async () => {
        this.acts.push('kill all')
        if (!this.script.isKilled()) return
        for (const { run } of this.launched) this.exit(run, { signal: 'SIGKILL' })
      },
      record: async () => {
        this.acts.push('record')
        if (this.script.recordFailure !== undefined) throw this.script.recordFailure
        return kernelSays
      },
      close: async () => {
        this.acts.push('close')
        if (this.script.closeFailure !== undefined) throw this.script.closeFailure
        return this.script.closeReport
      },
    }
  }

  async openAndLaunch(plan: NativePlan, _id: string, request: Uint8Array): Promise<NativeOpened> {
    const launch = readLaunch(request)
    const envelope = await this.openEnvelope(plan)
    return { envelope, launched: this.#launch(launch) }
  }

  async buildOnce(plan: NativePlan, _id: string, request: Uint8Array): Promise<NativeBuilt> {
    const launch = readLaunch(request)
    const envelope = await this.openEnvelope(plan)
    const exiting = new Promise<NativeExit>((resolve) => this.#takers.set(launch.run, resolve))
    const how = await this.#launch(launch).spawned.then(
      async () => ({ exit: await exiting }),
      (failure: unknown) => ({ failure }),
    )
    const closed = await envelope.close()
    return closed.failures.length === 0 ? how : { ...how, envelope, closed }
  }

  #launch(launch: ReadLaunch): NativeLaunched {
    if (this.script.launchFailure !== undefined) return { stdio: [-1, -1, -1], spawned: Promise.reject(this.script.launchFailure) }
    this.acts.push('launch')
    this.launched.push(launch)
    const { behaviour, launching } = this.script
    const spawned = launching().then(() => {
      behaviour(launch, this)
      return 4711
    })
    return { stdio: [-1, -1, -1], spawned }
  }
}
