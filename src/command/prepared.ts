import { checkCommand, checkCwd, type Command } from './command.ts'
import { checkHostFile } from './host-file.ts'
import type { Place } from './place.ts'
import type { JobCommand, WireStdio } from '../native/wire-job.ts'
import type { Mount } from '../spec/plan.ts'

/** A command without its standard streams, which are decided later. */
export type Prepared = Omit<JobCommand, 'stdio' | 'maxBuffer'>

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
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
  const { env, cwd = plan.cwd, stdin, stdout, stderr } = options
  checkCwd(cwd)
  checkFile(stdin, 'stdin', plan.mounts)
  for (const target of stdout ?? []) checkFile(target, 'stdout', plan.mounts)
  for (const target of stderr ?? []) checkFile(target, 'stderr', plan.mounts)
  return { argv, env: env === undefined ? plan.env : { ...plan.env, ...env }, cwd }
}

function checkFile(target: WireStdio | undefined, entry: string, mounts: readonly Mount[]): void {
  if (target?.kind === 'file' && target.path !== undefined) checkHostFile(target.path, entry, mounts)
}
