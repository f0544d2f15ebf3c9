import type { Telling } from '../events/telling.ts'
import type { NativePipes } from '../native/binding.ts'
import type { JobEnd } from '../native/jobs.ts'
import type { LeftInOutput } from '../native/record.ts'
import type { Trace } from '../native/trace.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import type { CheckedRunLimits, LimitName } from '../spec/fields/limits.ts'
import type { Mount, Plan } from '../spec/plan.ts'
import { checkCwd, type CommandVariables } from './command.ts'
import { limitsFor } from './limits.ts'
import type { AnyStdio, Kept, Result } from './result.ts'
import type { NetworkTrouble } from './hint-evidence.ts'
import { checkHostFile } from './target.ts'

/** Facts about a command that are known only when its session is gone. */
export interface Aftermath {
  readonly leftInOutputs: readonly LeftInOutput[]
  readonly kept: Kept | undefined
  /** Of a build with a trace. */
  readonly trace: Trace | undefined
}

/** Where a command runs: a session that is open, or one that is opened for it. */
export interface Place {
  /** Of its session. */
  readonly telling: Telling
  /**
   * Makes the plan. To be called first. Undefined if it exists; otherwise it rejects with the SpecError of a plan that is refused.
   * @throws SpecError naming a field of another shape
   */
  planning?(): Promise<unknown> | undefined
  /** Its environment and directory are the defaults of a command's options. Its mounts say where the command can write. To be called after `planning`. */
  plan(): Pick<Plan, 'env' | 'cwd' | 'platform' | 'mounts' | 'links' | 'directories' | 'files' | 'limits' | 'network' | 'allow'>
  /** Resolves when the job can begin; undefined when it can begin at once. */
  ready(): Promise<unknown> | undefined
  /**
   * It is ended before it begins. So `ready` waits no longer for a turn, for what another session has and for the copy of an input. It
   * may reject then.
   */
  giveUp?(): void
  /** Begins the job. To be called after `ready`. */
  start(job: number, command: JobCommand): NativePipes | undefined
  /** A command that ran there did not succeed. To be called before `over`. */
  noteFailure(): void
  /** Names that a network refused, and connections that failed there, since a time by performance.now(). */
  troubles(since: number): readonly NetworkTrouble[]
  /** The limit for which everything there was killed; undefined if there was none. */
  limit(): LimitName | undefined
  /**
   * The command is over. Called once, unless the command was refused at once.
   * @param end undefined if it did not begin
   * @param result undefined if the command did not run
   * @returns undefined if the caller need not wait for more
   * @throws the error that the caller gets instead of the command's
   */
  over(end: JobEnd | undefined, result: Result<AnyStdio> | undefined): Promise<Aftermath> | undefined
}

/** A command without its standard streams, which are decided later. */
export type Prepared = Omit<JobCommand, 'stdio' | 'maxBuffer'>

interface Surroundings {
  readonly env?: CommandVariables
  readonly cwd?: string
  readonly limits?: CheckedRunLimits
  readonly stdin?: WireStdio
  readonly stdout?: readonly WireStdio[]
  readonly stderr?: readonly WireStdio[]
}

/**
 * A command with its options, checked against the place where it will run.
 * @param argv checked
 * @throws InvalidCommandError naming the entry
 */
export function prepare(argv: readonly string[], options: Surroundings, place: Place): Prepared {
  const plan = place.plan()
  const { env, cwd = plan.cwd, limits, stdin, stdout, stderr } = options
  checkCwd(cwd)
  checkFile(stdin, 'stdin', plan.mounts)
  for (const target of stdout ?? []) checkFile(target, 'stdout', plan.mounts)
  for (const target of stderr ?? []) checkFile(target, 'stderr', plan.mounts)
  return { argv, env: env === undefined ? plan.env : changed(plan.env, env), cwd, limits: limitsFor(plan.limits, limits) }
}

function changed(variables: Readonly<Record<string, string>>, changes: CommandVariables): Readonly<Record<string, string>> {
  const all = Object.entries({ ...variables, ...changes })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function checkFile(target: WireStdio | undefined, entry: string, mounts: readonly Mount[]): void {
  if (target?.kind === 'file' && target.path !== undefined) checkHostFile(target.path, entry, mounts)
}
