import { checkCommand } from '../command/command.ts'
import { InvalidCommandError } from '../errors.ts'
import type { HereOptions } from '../here/here.ts'
import { invalid, readInteger } from '../spec/check.ts'
import { fields } from '../spec/fields.ts'
import { readPatterns } from '../spec/fields/sources.ts'
import { readable } from '../spec/messages.ts'
import type { Spec } from '../spec/spec.ts'
import { isVerb, verbs, type Verb } from './options.ts'
import { type GivenOptions, isAsked, readOptions, single, specFrom } from './read-options.ts'
import { readDuration } from '../spec/units.ts'
import { mostBuilds, readVariation, type VariationName } from '../verify/variation-names.ts'

/** Verbs about this host rather than a build. */
type HostVerb = Exclude<Verb, 'run' | 'learn' | 'plan' | 'page' | 'trace' | 'bench' | 'completion'>

interface SessionRequest {
  /** The part of the options that a spec has. */
  readonly spec: Spec
  /** The project that the session is for. */
  readonly here?: HereOptions
  /** The path of a spec file. `-` is stdin. */
  readonly file?: string
  /** Empty if there is none. */
  readonly command: readonly string[]
  readonly isJson: boolean
  /** Milliseconds. */
  readonly timeout?: number
}

export interface PlanRequest extends SessionRequest {
  readonly kind: 'plan'
}

export interface RunRequest extends SessionRequest {
  readonly kind: 'run'
  /** Gives the command a terminal of its own even if this program has none. */
  readonly isPty: boolean
  /** Prints events as lines of JSON. `isJson` is true then. */
  readonly hasEvents?: boolean
  /** Shows a progress line in place of the output. */
  readonly hasProgress: boolean
  /** Paths of files to write. */
  readonly record?: string
  readonly page?: string
  /** Of `learn`: the path of the spec file to write. */
  readonly learned?: string
  /** Whether the changes in the project are applied to it at the end. */
  readonly apply?: 'asks' | 'always'
  /** Runs the command several times, and compares the outputs. */
  readonly verify?: { readonly builds?: number; readonly only?: readonly VariationName[] }
  /** Includes the values of all variables in both. */
  readonly hasValues?: boolean
}

export interface PageRequest {
  readonly kind: 'page'
  /** The path of the file to read. */
  readonly record: string
}

export interface TraceRequest {
  readonly kind: 'trace'
  /** The paths of two records. */
  readonly compared: readonly [before: string, after: string]
  readonly isJson: boolean
}

export interface BenchRequest {
  readonly kind: 'bench'
  /** Two records to compare instead of measuring. */
  readonly compared?: readonly [before: string, after: string]
  /** Passed on to the benchmark program. */
  readonly options: readonly string[]
}

export interface HostRequest {
  readonly kind: HostVerb
  readonly isJson: boolean
  /** For `ps` and `gc`. Absolute. */
  readonly stateDirectory?: string
}

export type Request =
  /** The topic `buildjail` is the overview. */
  | { readonly kind: 'help'; readonly topic: string }
  | { readonly kind: 'completion'; readonly shell: string }
  | { readonly kind: 'version' }
  | PlanRequest
  | RunRequest
  | PageRequest
  | TraceRequest
  | BenchRequest
  | HostRequest

/**
 * Reads a command line. Checks syntax only; planning checks paths.
 * @throws BuildjailError naming the word
 */
export function parseCommandLine(argv: readonly string[]): Request {
  const [verb, ...rest] = argv
  if (verb === undefined || verb === '--help' || verb === '-h') return { kind: 'help', topic: 'buildjail' }
  if (verb === 'help') return { kind: 'help', topic: onlyOne(rest, 'help') ?? 'buildjail' }
  if (verb === '--version' || verb === '-V') return { kind: 'version' }
  if (!isVerb(verb)) throw invalid(readable(verb), `is not a command of buildjail; ${commands}`)
  const isComparing = hasSubcommand(verb, rest)
  const { given, command } = readOptions(verb, isComparing ? rest.slice(1) : rest)
  if (given.has('help')) return { kind: 'help', topic: verb }
  switch (verb) {
    case 'run':
    case 'plan':
      return sessionRequest(verb, given, command)
    case 'learn':
      return learnRequest(given, command)
    case 'page':
      return pageRequest(command)
    case 'trace':
      return traceRequest(isComparing, given, command)
    case 'bench':
      return benchRequest(isComparing, given, command)
    case 'completion':
      return completionRequest(command)
    default:
      return hostRequest(verb, given, command)
  }
}

/** `bench compare` and `trace diff` have their options after that word. */
function hasSubcommand(verb: Verb, [word]: readonly string[]): boolean {
  return (verb === 'bench' && word === 'compare') || (verb === 'trace' && word === 'diff')
}

const commands = `commands are ${verbs.slice(0, -1).join(', ')} and ${verbs.at(-1)} (see buildjail --help)`

/** Which of `--json` and `--events` is among the options, even if the others cannot be read. */
export function answerAsked([verb, ...rest]: readonly string[]): 'json' | 'events' | undefined {
  return (['json', 'events'] as const).find((name) => isVerb(verb) && isAsked(verb, hasSubcommand(verb, rest) ? rest.slice(1) : rest, name))
}

function completionRequest(words: readonly string[]): Request {
  const shell = onlyOne(words, 'completion')
  if (shell === undefined) throw invalid('shell', 'is missing; name bash, zsh or fish')
  return { kind: 'completion', shell }
}

function onlyOne([word, extra]: readonly string[], verb: string): string | undefined {
  if (extra !== undefined) throw invalid(readable(extra), `is one word too many for buildjail ${verb}`)
  return word
}

function hostRequest(kind: HostVerb, given: GivenOptions, [extra]: readonly string[]): Request {
  if (extra !== undefined) throw invalid(readable(extra), `is not an option of buildjail ${kind}`)
  const { flag } = fields.stateDirectory
  const directory = single(given, flag.name)
  return {
    kind,
    isJson: given.has('json'),
    ...(directory === undefined ? {} : { stateDirectory: flag.read([directory], `--${flag.name}`) }),
  }
}

function pageRequest([record, extra]: readonly string[]): Request {
  if (record === undefined || record === '') throw invalid('RECORD', 'is missing; buildjail run --record FILE writes one')
  if (extra !== undefined) throw invalid(readable(extra), 'is one word too many; buildjail page reads one record')
  return { kind: 'page', record }
}

function traceRequest(isDiff: boolean, given: GivenOptions, [before, after, extra]: readonly string[]): Request {
  if (!isDiff) throw invalid(before === undefined ? 'diff' : readable(before), before === undefined ? 'is missing: buildjail trace diff BEFORE AFTER' : 'is not a command of buildjail trace; diff is the only one')
  if (before === undefined || after === undefined) throw invalid('BEFORE and AFTER', 'are missing: two records that buildjail run --trace --record FILE wrote')
  if (extra !== undefined) throw invalid(readable(extra), 'is one word too many; buildjail trace diff reads two records, and options come before them')
  return { kind: 'trace', compared: [before, after], isJson: given.has('json') }
}

function benchRequest(isComparing: boolean, given: GivenOptions, [before, after, extra]: readonly string[]): Request {
  const options = programOptions(given)
  if (!isComparing) {
    if (before !== undefined) throw invalid(readable(before), 'is not a command of buildjail bench; compare is the only one')
    if (given.has('bar')) throw invalid('--bar', 'is for buildjail bench compare')
    return { kind: 'bench', options }
  }
  const other = [...given.keys()].find((name) => name !== 'bar')
  if (other !== undefined) throw invalid(`--${other}`, 'is not for buildjail bench compare')
  if (before === undefined || after === undefined) throw invalid('BEFORE and AFTER', 'are missing: two records that buildjail bench --record FILE wrote')
  if (extra !== undefined) throw invalid(readable(extra), 'is one word too many; buildjail bench compare reads two records, and options come before them')
  return { kind: 'bench', compared: [before, after], options }
}

/** The words from which the options were read. */
function programOptions(given: GivenOptions): readonly string[] {
  return [...given].flatMap(([name, values]) => (values.length === 0 ? [`--${name}`] : values.map((value) => `--${name}=${value}`)))
}

function sessionRequest(kind: 'run' | 'plan', given: GivenOptions, command: readonly string[]): Request {
  const here = hereFrom(given)
  // With --input, the options of the spec have it; the project has inputs as well.
  const ofSpec = here.here !== undefined && !given.has('input') ? new Map([...given].filter(([name]) => name !== 'exclude')) : given
  const request = { spec: specFrom(ofSpec), ...here, isJson: given.has('json'), ...pathFrom(given, 'file'), ...timeoutFrom(given) }
  const written = { ...pathFrom(given, 'record'), ...pathFrom(given, 'page'), ...(given.has('env-values') && { hasValues: true }) }
  if (written.hasValues === true && written.record === undefined && written.page === undefined) throw invalid('--env-values', 'is for --record and --page')
  const apply = applyFrom(given)
  const forRun = { ...written, ...(apply !== undefined && { apply }), isPty: given.has('pty'), hasProgress: given.has('progress') }
  if (kind === 'plan') {
    if (apply !== undefined) throw invalid('--apply', 'is for buildjail run')
    return { kind, ...request, command }
  }
  const hasEvents = given.has('events')
  if (hasEvents && request.isJson) throw invalid('--events', 'cannot be combined with --json, which prints the result alone')
  const verify = verifyFrom(given)
  // The spec file can have the command.
  if (command.length === 0 && request.file === undefined) throw new InvalidCommandError('command', 'is missing; it comes last', 'plan')
  return { kind, ...request, ...(hasEvents && { isJson: true, hasEvents }), ...forRun, ...(verify !== undefined && { verify }), command: command.length === 0 ? command : checkCommand(command) }
}

/** A run of the project around the current folder, with a trace. */
function learnRequest(given: GivenOptions, command: readonly string[]): Request {
  if (command.length === 0) throw new InvalidCommandError('command', 'is missing; it comes last', 'plan')
  const { here, ...request } = sessionRequest('run', new Map([...given, ['here', []]]), command) as RunRequest
  const { spec: learned = 'buildjail.json' } = pathFrom(given, 'spec')
  return { ...request, ...(here !== undefined && { here }), spec: { ...request.spec, trace: true }, learned }
}

function hereFrom(given: GivenOptions): { readonly here?: HereOptions } {
  const project = single(given, 'project')
  if (!given.has('here') && project === undefined) {
    const alone = ['out', 'env-files', 'apply'].find((name) => given.has(name))
    if (alone !== undefined) throw invalid(`--${alone}`, 'is for --here')
    return {}
  }
  const out = (given.get('out') ?? []).flatMap((text) => text.split(','))
  return { here: { ...(project === undefined ? {} : { project }), out, exclude: readPatterns(given.get('exclude') ?? [], '--exclude'), envFiles: given.has('env-files') } }
}

function applyFrom(given: GivenOptions): 'asks' | 'always' | undefined {
  if (given.has('apply')) return given.has('yes') ? 'always' : 'asks'
  if (given.has('yes')) throw invalid('--yes', 'is for --apply')
  return undefined
}

/** Options for one run only, which several runs cannot have. */
const ofOneRun: Readonly<Record<string, string>> = {
  record: 'is of one run; --json has the result of all, and --page a page of it',
  'env-values': 'is for --record',
  events: 'is of one run; --json has the result of all',
  pty: 'has a person type into one run',
  apply: 'does what one run did, and a verification keeps nothing',
}

function verifyFrom(given: GivenOptions): RunRequest['verify'] {
  const only = single(given, 'only')
  if (!given.has('verify')) {
    if (only !== undefined) throw invalid('--only', 'is for --verify')
    return undefined
  }
  for (const [name, problem] of Object.entries(ofOneRun)) if (given.has(name)) throw invalid(`--${name}`, `cannot be combined with --verify: it ${problem}`)
  const builds = single(given, 'verify')
  if (builds !== undefined && !/^\d{1,2}$/.test(builds)) throw invalid('--verify', `'${builds}' is not a number of builds, such as --verify=3`)
  return {
    ...(builds !== undefined && { builds: readInteger(Number(builds), '--verify', 2, mostBuilds) }),
    ...(only !== undefined && { only: only === 'none' ? [] : only.split(',').map((name) => readVariation(name, '--only')) }),
  }
}

function timeoutFrom(given: GivenOptions): { readonly timeout?: number } {
  const timeout = single(given, 'timeout')
  return timeout === undefined ? {} : { timeout: readDuration(timeout, '--timeout') }
}

function pathFrom<Name extends string>(given: GivenOptions, name: Name): { readonly [Key in Name]?: string } {
  const path = single(given, name)
  if (path === '') throw invalid(`--${name}`, 'must not be empty')
  return (path === undefined ? {} : { [name]: path }) as { readonly [Key in Name]?: string }
}
