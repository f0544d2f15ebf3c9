import { errorOf } from '../command/command-error.ts'
import { commandLine, type Command } from '../command/command.ts'
import { endingChecks, type CheckedEndingOptions, type EndingOptions } from '../command/ending.ts'
import { copyOptions } from '../command/options.ts'
import type { Result } from '../command/result.ts'
import { build } from '../session/build.ts'
import type { Spec } from '../spec/spec.ts'
import type { VariationName } from './variation-names.ts'
import type { Verification } from './verification.ts'
import { Verifying, type BuildToRun } from './verifying.ts'

/** The options that can end a command hold for each build by itself; `signal` ends the whole verification. */
export interface VerifyOptions extends EndingOptions {
  /** How many builds are compared, from 2 to 16. Default: 2. */
  readonly builds?: number
  /** What is varied. Default: all but `build-path`. An empty list varies nothing, so only time, processes and chance differ. */
  readonly only?: readonly VariationName[]
}

const same = (value: unknown): unknown => value

/**
 * Checks whether a build is reproducible. It runs the command several times, each time in a session of its own with empty folders in place of its outputs, and
 * compares what the builds leave there. The first build has the spec as it is. The others have another host name, other ids, fewer processors and more, as far
 * as the spec leaves that open and the host can. The declared outputs stay as they are, but missing ones are made.
 *
 * It rejects with the errors of `build`: if a build fails, nothing is compared.
 * @throws SpecError if the spec is refused or has no output, InvalidCommandError, BuildjailError if outputs cannot be compared
 */
export async function verify(spec: Spec, command: Command, options: VerifyOptions = {}): Promise<Verification> {
  const { builds, only, ...ending } = copyOptions<CheckedEndingOptions & Pick<VerifyOptions, 'builds' | 'only'>>(options, { ...endingChecks, builds: same, only: same })
  const { signal } = ending
  signal?.throwIfAborted()
  const verifying = await Verifying.begin(spec, command, { ...(builds !== undefined && { builds }), ...(only && { only }), ...(signal && { signal }) })
  try {
    const results: Result[] = []
    for (const one of verifying.builds) results.push(await verifying.run(one, () => runOf(one, command, ending, verifying), signal))
    return await verifying.compare(results, signal)
  } finally {
    await verifying.over()
  }
}

async function runOf(one: BuildToRun, command: Command, ending: CheckedEndingOptions, { builds, varied }: Verifying): Promise<Result> {
  // Not in the words of the build's own command, which makes what is varied before it starts this one.
  const result = Object.assign(await build(one.spec, one.command, { ...ending, reject: false }), { command: commandLine(command) })
  const error = errorOf(result, undefined, ending)
  if (error === undefined) return result
  const which = `build ${one.number} of ${builds.length}${one.number === 1 ? '' : `, with other values of ${varied.join(', ')}`}`
  for (const name of ['message', 'shortMessage'] as const) Object.defineProperty(error, name, { value: `${which}: ${error[name]}` })
  throw error
}
