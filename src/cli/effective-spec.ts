import { InvalidCommandError, isBuildjailError } from '../errors.ts'
import type { HereOptions } from '../here/here.ts'
import { askedBy, inOneLine, specText } from '../spec/messages.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { currentFolder } from '../spec/look.ts'
import type { PlanRequest, RunRequest } from './command-line.ts'
import { optionWords } from './option-words.ts'

/** The spec of `run` or `plan`: the spec file, with the options of the command line added. */
export interface EffectiveSpec {
  readonly spec: Spec
  readonly command: readonly string[]
  /** Milliseconds. */
  readonly timeout?: number
  /** Whether an entry of the spec comes from the command line. */
  readonly isOption: (entry: string) => boolean
  /** Makes an error name what the user wrote: the place in the spec file, or the option. */
  readonly located: (error: unknown) => unknown
}

/** @throws SpecError naming the entry, and where it stands in the file. */
export async function effectiveSpec({ kind, spec: given, here, command, file, timeout }: PlanRequest | RunRequest): Promise<EffectiveSpec> {
  // Relative paths begin there.
  currentFolder()
  const own = timeout === undefined ? {} : { timeout }
  const project = here === undefined ? undefined : await specHere(given.network === undefined ? here : { ...here, network: given.network })
  const spec = project === undefined ? given : onto(project, given)
  const ofProject = project !== undefined && given.output === undefined ? ['output'] : []
  const kept = new Set([...ofProject, ...Object.keys(project?.outputs ?? {}).filter((folder) => given.outputs?.[folder] === undefined).map((folder) => `outputs.${folder}`)])
  if (file === undefined) return { spec, command, ...own, isOption: () => true, located: (error) => inFlags(error, undefined, kept) }
  // Loaded only for a command line with --file.
  const { SpecFile, entryOf, withPlace } = await import('./spec-file.ts')
  const ofFile = new SpecFile(file)
  const both = command.length > 0 ? command : (ofFile.command ?? [])
  if (kind === 'run' && both.length === 0) throw new InvalidCommandError('command', `is missing; it comes last, or stands in ${file}`, 'plan')
  const isOption = (entry: string): boolean => isGiven(spec, entry, ofFile.spec)
  return {
    spec: joined(ofFile.spec, spec),
    command: both,
    ...(ofFile.timeout === undefined ? {} : { timeout: ofFile.timeout }),
    ...own,
    isOption,
    located: (error) => {
      const place = isOption(entryOf(error)) ? undefined : ofFile.placeOf(entryOf(error))
      return withPlace(inFlags(error, isOption, kept), place)
    },
  }
}

/** Loaded only for --here. */
async function specHere(options: HereOptions): Promise<Spec> {
  const { here } = await import('../here/here.ts')
  try {
    return here(options)
  } catch (error) {
    throw inFlags(error)
  }
}

/** Adds the project's tools to a person's entries. */
function onto(project: Spec, given: Spec): Spec {
  const tools = [project.toolchain, given.toolchain].flatMap((one) => one ?? [])
  // The project's network is the given one, with the hosts of its tools.
  const { network: _, ...rest } = given
  return { ...joined(project, rest), toolchain: given.toolchain === 'none' ? 'none' : [...new Set(tools)] }
}

/** The command line adds to maps and lists of the file, and replaces other fields. */
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
  const [, part, place] = /^\.(\w+)\[(\d+)\]/.exec(rest) ?? []
  const before = part === undefined ? undefined : (ofFile[name] as Readonly<Record<string, unknown>>)[part]
  if (Array.isArray(before)) return Number(place) >= before.length
  const index = /^\[(\d+)\]/.exec(rest)?.[1]
  if (index !== undefined) return Number(index) >= (ofFile[name] as readonly unknown[]).length
  return Object.keys(given[name]).some((key) => rest === `.${key}` || rest.startsWith(`.${key}.`))
}

const named = new RegExp(String.raw`^(${fieldNames.toSorted((a, b) => b.length - a.length).join('|')})(?=[.[]|$)(.*)$`, 's')

/** In a message about two entries that conflict, the second one: in parentheses, or as "the target of inputs.src too". */
const otherEntry = /(?<=\()\w+[.[][^()]*(?=\))|(?<= of )\w+[.[].*(?= too$)/g

/**
 * Rewrites the message of an error to name options (`--input src`) in place of fields of a spec (`inputs.src`). Its `entry` stays.
 * @param isOption whether an entry of the spec comes from the command line
 * @param kept outputs by --out
 */
export function inFlags(error: unknown, isOption: (entry: string) => boolean = () => true, kept: ReadonlySet<string> = new Set()): unknown {
  if (!isBuildjailError(error)) return error
  const entry = inOneLine(error.entry ?? '')
  const inWords = (words: string): string => askedBy(error).reduce((text, spec) => text.replaceAll(inOneLine(specText(spec)), () => optionWords(spec)), words)
  const optionOf = (name: string): string => (kept.has(name) ? '--out' : flagOf(name))
  const [subject, rest] = entry !== '' && isOption(error.entry ?? '') && error.message.startsWith(`${entry}: `) ? [optionOf(error.entry ?? ''), error.message.slice(entry.length)] : ['', error.message]
  const message = subject + inWords(rest).replaceAll(otherEntry, (other) => (entry !== '' && isOption(other) ? optionOf(other) : other))
  Object.defineProperty(error, 'message', { value: message })
  return error
}

/** The option that sets an entry of a spec, or of the options of `here`: `--input src` for `inputs.src`. */
function flagOf(entry: string): string {
  if (entry === 'here' || entry === 'project') return `--${entry}`
  if (entry === 'envFiles') return '--env-files'
  if (/^out\[\d+\]$/.test(entry)) return '--out'
  const [, name, rest = ''] = named.exec(entry) ?? []
  if (name === undefined) return entry
  if (name === 'network' && rest.startsWith('.allow')) return '--allow-host'
  if (name === 'network') return rest.startsWith('.tlsNames') ? '--tls-names' : '--network'
  if (name === 'inputs' && /\.exclude(?:\[\d+\])?$/.test(rest)) return '--exclude'
  const { flag } = fields[name as keyof Spec]
  return `--${flag.name}${flag.isRepeatable && rest.startsWith('.') ? ` ${rest.slice(1)}` : ''}`
}
