import { readlinkSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { arch, release } from 'node:os'
import { join } from 'node:path'

import type { CommandEvent, EndEvent, LimitEvent, StdioEvent } from '../events/session-events.ts'
import { tailSize } from '../command/hint-evidence.ts'
import { hintInWords, hintsOf } from '../command/hints.ts'
import type { SessionRecord, SessionUsage, SessionStep } from '../native/record.ts'
import type { Trace } from '../native/trace.ts'
import type { Session } from '../session/session.ts'
import { fieldNames, fields } from '../spec/fields.ts'
import { isAllowedNetwork } from '../spec/fields/network.ts'
import { specText } from '../spec/messages.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { KeptStdio } from './kept-stdio.ts'
import { type RecordedEnd, type RecordedError, type RecordedFilling, type RecordedHint, type RecordedKernel, type RecordedNearLimit, type RecordedOutput, type RecordedPlan, type RecordedStep, recordFormat, type RunRecord } from './run-record.ts'
import { outputSizes } from './output-sizes.ts'
import { filesOf, programsOf } from './seen-files.ts'
import { SeenNames } from './seen-names.ts'
import { SeenProcesses } from './seen-processes.ts'
import { tracedProcessesOf } from './traced-processes.ts'
import { UsageSamples } from './usage-samples.ts'

export interface RecordingOptions {
  /** By performance.now(), before the session was opened. */
  readonly began: number
  /** The version of the package. */
  readonly version: string
  /** Records the values of all variables, secrets too. */
  readonly hasValues: boolean
  /** How entries of a spec are written in remedies. Default: as in JavaScript. */
  readonly written?: (spec: Spec) => string
}

interface Course {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly beganMs: number
  readonly stdio: KeptStdio
  end?: RecordedEnd
  hints?: readonly RecordedHint[]
}

/**
 * Collects the record of a session: it listens to its events, and samples its usage while a command runs. Call `look` before the session closes, and
 * `lookAtOutputs`, `lookAtTrace` and `record` afterwards.
 */
export class Recorder {
  readonly #session: Session
  readonly #options: RecordingOptions
  readonly #commands = new Map<number, Course>()
  readonly #nearLimits: RecordedNearLimit[] = []
  readonly #samples: UsageSamples
  readonly #processes = new SeenProcesses()
  /** Undefined for a session without a network of names. */
  readonly #names: SeenNames | undefined
  readonly #openedMs: number
  #kernel: RecordedKernel | undefined
  #usage: SessionUsage | undefined
  #filled: readonly RecordedFilling[] = []
  #outputs: readonly RecordedOutput[] | undefined
  #trace: Trace | undefined
  #opening: readonly SessionStep[] = []
  #closingMs: number | undefined

  constructor(session: Session, options: RecordingOptions) {
    this.#session = session
    this.#options = options
    this.#openedMs = this.#now()
    const lookAtProcesses = async (): Promise<void> => this.#processes.look(this.#now(), await session.processes())
    this.#samples = new UsageSamples(() => session.usage(), lookAtProcesses, () => this.#now())
    session.on('command', (event) => this.#begin(event))
    session.on('stdio', (event) => this.#write(event))
    session.on('end', (event) => this.#end(event))
    session.on('limit', (event) => this.#near(event))
    if (!isAllowedNetwork(session.plan.network)) return
    const names = new SeenNames()
    this.#names = names
    session.on('connection', (event) => names.connection(event)).on('refused', (event) => names.refused(event))
  }

  /**
   * Asks for facts that only an open session can give.
   * @throws SessionClosedError, SystemCallError if the kernel cannot be asked; the rest is recorded anyway
   */
  async look(): Promise<void> {
    try {
      this.#usage = await this.#samples.look()
      const said = await this.#session.record()
      this.#kernel = recordedKernel(said)
      this.#filled = await this.#fillings(said.root)
    } finally {
      this.#opening = this.#session.steps
      this.#closingMs = this.#now()
    }
  }

  /** Looks at the content of the outputs. To be called after the session closed. */
  async lookAtOutputs(): Promise<void> {
    this.#outputs = await outputSizes(this.#session.plan.mounts)
  }

  /**
   * Takes the trace, if the session has one. Comes after the session closed, when it is complete.
   * @throws SystemCallError if there is no memory for it
   */
  async lookAtTrace(): Promise<void> {
    if (this.#session.plan.trace) this.#trace = await this.#session.trace()
  }

  /** @param errors of the session itself */
  record(errors: readonly unknown[]): RunRecord {
    const { id, plan, steps, leftInOutputs, kept } = this.#session
    const { version, hasValues } = this.#options
    const opening = this.#opening.map((entry): RecordedStep => ({ phase: 'open', ...entry }))
    const closing = steps.slice(opening.length).map((entry): RecordedStep => ({ phase: 'close', ...entry }))
    const closedMs = this.#now()
    const startedAt = Date.now() - closedMs
    return {
      format: recordFormat,
      version: 1,
      buildjail: version,
      system: { platform: process.platform, release: release(), arch: arch() },
      startedAt: new Date(startedAt).toISOString(),
      openedMs: this.#openedMs,
      closingMs: this.#closingMs ?? closedMs,
      closedMs,
      id,
      plan: recordedPlan(plan, hasValues),
      ...(this.#kernel !== undefined && { kernel: this.#kernel }),
      steps: [...opening, ...closing],
      commands: [...this.#commands.values()].map(({ stdio, ...course }) => ({ ...course, stdio: stdio.record })),
      ...(this.#usage !== undefined && { usage: this.#usage }),
      samples: this.#samples.all,
      processes: this.#processes.all,
      ...(this.#processes.leftOut > 0 && { processesLeftOut: this.#processes.leftOut }),
      ...(this.#trace !== undefined && { files: filesOf(this.#trace, plan), programs: programsOf(this.#trace), ...tracedProcessesOf(this.#trace, startedAt) }),
      ...(this.#names !== undefined && { network: this.#names.record }),
      ...(this.#outputs !== undefined && { outputs: this.#outputs }),
      filled: this.#filled,
      nearLimits: this.#nearLimits,
      leftInOutputs,
      ...(kept !== undefined && { kept: kept.path }),
      errors: errors.map(recordedError),
    }
  }

  #now(): number {
    return performance.now() - this.#options.began
  }

  #begin({ command, argv, cwd }: CommandEvent): void {
    this.#commands.set(command, { argv, cwd, beganMs: this.#now(), stdio: new KeptStdio() })
    this.#samples.begin()
  }

  #write({ command, stream, chunk }: StdioEvent): void {
    this.#commands.get(command)?.stdio.write(stream, this.#now(), chunk)
  }

  #end({ command, durationMs, exitCode, signal, limit, timedOut, isCanceled, usage, error }: EndEvent): void {
    const course = this.#commands.get(command)
    if (course === undefined) return
    this.#samples.end()
    course.stdio.end(this.#now())
    course.end = {
      durationMs,
      ...(exitCode !== undefined && { exitCode }),
      ...(signal !== undefined && { signal }),
      ...(limit !== undefined && { limit }),
      timedOut,
      isCanceled,
      ...(usage !== undefined && { usage }),
      ...(error !== undefined && { error: recordedError(error) }),
    }
    const hints = exitCode === 0 || isCanceled || error !== undefined ? [] : this.#hintsOf(course)
    if (hints.length > 0) course.hints = hints
  }

  #hintsOf({ argv, cwd, beganMs, stdio }: Course): readonly RecordedHint[] {
    const output = [stdio.endOf('stderr', tailSize), stdio.endOf('stdout', tailSize)]
    const troubles = this.#session.networkTroubles(this.#options.began + beganMs)
    const hints = hintsOf({ argv, cwd, plan: this.#session.plan, output: output.every((text) => text === '') ? undefined : output, troubles })
    return hints.map((hint) => hintInWords(hint, this.#options.written ?? specText)).map(({ problem, remedy }) => ({ problem, remedy }))
  }

  #near({ limit, used, most }: LimitEvent): void {
    this.#nearLimits.push({ atMs: this.#now(), limit, used, most })
  }

  /** The use of /tmp and other memory file systems, by the root's path on the host. Empty for a caller that may not go there. */
  async #fillings(root: string): Promise<RecordedFilling[]> {
    const targets = this.#session.plan.mounts.filter(({ kind }) => kind === 'tmpfs' || kind === 'copy').map(({ target }) => target)
    const found = await Promise.all(targets.map((target) => fillingOf(root, target)))
    return found.filter((filling) => filling !== undefined)
  }
}

async function fillingOf(root: string, target: string): Promise<RecordedFilling | undefined> {
  try {
    const { bsize, blocks, bfree } = await statfs(join(root, target))
    return { target, used: (blocks - bfree) * bsize, size: blocks * bsize }
  } catch {
    return undefined
  }
}

function recordedKernel({ jail, ...said }: SessionRecord): RecordedKernel {
  const hostNamespaces = said.namespaces === undefined ? undefined : ownNamespaces(Object.keys(said.namespaces))
  const parameters = jail === undefined ? undefined : Object.fromEntries(Object.entries(jail).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]))
  return { ...said, ...(parameters !== undefined && { jail: parameters }), ...(hostNamespaces !== undefined && { hostNamespaces }) }
}

/** The namespaces of this program, from links such as `mnt:[4026531841]` (namespaces(7)). */
function ownNamespaces(kinds: readonly string[]): Record<string, number> {
  const numbers: [string, number][] = []
  for (const kind of kinds) {
    try {
      numbers.push([kind, Number(/\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[0])])
    } catch {
      // This kernel does not have the kind.
    }
  }
  return Object.fromEntries(numbers)
}

function recordedError(error: unknown): RecordedError {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code } = error as NodeJS.ErrnoException
  return { ...(typeof code === 'string' && { code }), message: error.message }
}

/** Variables that hold no secrets: those that every session sets, and those that decide what programs print. */
const openVariables: ReadonlySet<string> = new Set([
  'PATH', 'HOME', 'TMPDIR', 'LC_ALL', 'LANG', 'TZ', 'TERM', 'SOURCE_DATE_EPOCH', 'NO_COLOR', 'FORCE_COLOR',
])

/** @param hasValues records the values of all variables */
export function recordedPlan(plan: Plan, hasValues: boolean): RecordedPlan {
  const { mounts, links, files, devices, env, limits, warnings, leftOut } = plan
  return {
    facts: fieldNames.flatMap((name) => fields[name].facts(plan)).map(([name, text]) => [name ?? '', text ?? '']),
    mounts: mounts.map(({ kind, target, source, writable, size, files: most, entry }) => ({
      kind,
      target,
      ...(source !== undefined && { source }),
      writable,
      ...(size !== undefined && { size }),
      ...(most !== undefined && { files: most }),
      entry,
    })),
    links: links.map(({ path, target }) => ({ path, target })),
    files: files.map(({ path, text, entry }) => ({ path, bytes: Buffer.byteLength(text), entry })),
    devices: devices.map(({ path, kind, entry }) => ({ path, kind, entry })),
    env: Object.entries(env)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => {
        // defence: record-no-value-variable
        const isOpen = hasValues || openVariables.has(name)
        return { name, ...(isOpen && { value }) }
      }),
    limits,
    warnings: warnings.map(({ entry, problem }) => ({ entry, problem })),
    leftOut: leftOut.map(({ entry, path }) => ({ entry, path })),
  }
}
