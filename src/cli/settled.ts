import { InvalidCommandError } from '../errors.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import type { PlanRequest, RunRequest } from './command-line.ts'
import { inFlags } from './in-flags.ts'

/** What a command line asks for, with what its spec file says. */
export interface Settled {
  readonly spec: Spec
  readonly command: readonly string[]
  /** Milliseconds. */
  readonly timeout?: number
  /** The error, which says where in the file the entry stands that it is about, and speaks of options where that is one of theirs. */
  readonly placed: (error: unknown) => unknown
}

/** @throws SpecError naming the entry, and where it stands in the file. */
export async function settled({ kind, spec, command, file, timeout }: PlanRequest | RunRequest): Promise<Settled> {
  const own = timeout === undefined ? {} : { timeout }
  if (file === undefined) return { spec, command, ...own, placed: inFlags }
  // Its parser is loaded for those who have a file.
  const { SpecFile, entryOf, placed } = await import('./spec-file.ts')
  const ofFile = new SpecFile(file)
  const both = command.length > 0 ? command : (ofFile.command ?? [])
  if (kind === 'run' && both.length === 0) throw new InvalidCommandError('command', `is missing; it comes last, or is in ${file}`, 'plan')
  return {
    spec: joined(ofFile.spec, spec),
    command: both,
    ...(ofFile.timeout === undefined ? {} : { timeout: ofFile.timeout }),
    ...own,
    placed: (error) => {
      const isOfCommandLine = (entry: string): boolean => isGiven(spec, entry, ofFile.spec)
      const place = isOfCommandLine(entryOf(error)) ? undefined : ofFile.placeOf(entryOf(error))
      return placed(inFlags(error, isOfCommandLine), place)
    },
  }
}

/** What has names, and what is a list, gets more by the command line; anything else that it says is in place of the file's. */
function joined(ofFile: Spec, given: Spec): Spec {
  const both: Record<string, unknown> = { ...ofFile, ...given }
  for (const name of fieldNames) {
    const { join } = fields[name].flag as { readonly join?: (before: unknown, after: unknown) => unknown }
    if (join !== undefined && ofFile[name] !== undefined && given[name] !== undefined) both[name] = join(ofFile[name], given[name])
  }
  return both
}

/** Whether an entry of the joined spec comes from the command line. */
function isGiven(given: Spec, entry: string, ofFile: Spec): boolean {
  const name = fieldNames.find((one) => new RegExp(`^${one}([.[]|$)`).test(entry))
  if (name === undefined || given[name] === undefined) return false
  if (ofFile[name] === undefined || fields[name].flag.join === undefined) return true
  const rest = entry.slice(name.length)
  const index = /^\[(\d+)\]/.exec(rest)?.[1]
  if (index !== undefined) return Number(index) >= (ofFile[name] as readonly unknown[]).length
  return Object.keys(given[name]).some((key) => rest === `.${key}` || rest.startsWith(`.${key}.`))
}
