import { checkCommand, checkCwd, type Command, type CommandVariables } from './command.ts'
import { checkHostFile } from './host-file.ts'
import type { CheckedRunLimits } from '../spec/fields/limits.ts'
import { limitsFor } from './limits.ts'
import type { Place } from './place.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import type { Mount } from '../spec/plan.ts'

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
 * A command with all that it gets, checked against where it is to run.
 * @throws InvalidCommandError naming the entry
 */
export function prepare(command: Command, options: Surroundings, place: Place): Prepared {
  const argv = checkCommand(command)
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
