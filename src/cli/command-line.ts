import { checkCommand } from '../command/command.ts'
import { InvalidCommandError } from '../errors.ts'
import { invalid } from '../spec/check.ts'
import { fields } from '../spec/fields.ts'
import { readable } from '../spec/readable.ts'
import type { Spec } from '../spec/spec.ts'
import { isVerb, type Verb } from './options.ts'
import { readDuration } from './read-duration.ts'
import { readOptions, single, type GivenOptions } from './read-options.ts'
import { specFrom } from './spec-options.ts'

export type Topic = 'buildjail' | Verb

/** Verbs about this host rather than a build. */
type HostVerb = Exclude<Verb, 'run' | 'plan'>

interface SessionRequest {
  readonly spec: Spec
  readonly command: readonly string[]
  readonly isJson: boolean
}

export interface PlanRequest extends SessionRequest {
  readonly kind: 'plan'
}

export interface RunRequest extends SessionRequest {
  readonly kind: 'run'
  /** Milliseconds. */
  readonly timeout?: number
  /** Path of a file to be written. */
  readonly record?: string
}

export interface HostRequest {
  readonly kind: HostVerb
  readonly isJson: boolean
  /** Of `ps` and `gc`. Absolute. */
  readonly stateDirectory?: string
}

export type Request =
  | { readonly kind: 'help'; readonly topic: Topic }
  | { readonly kind: 'version' }
  | PlanRequest
  | RunRequest
  | HostRequest

const verbs = 'there are run, plan, ps, gc and doctor (buildjail --help tells more)'

/**
 * Reads a command line. Checks shapes only: the plan says whether paths exist and fit together.
 * @throws BuildjailError naming the word.
 */
export function parseCommandLine(argv: readonly string[]): Request {
  const [verb, ...rest] = argv
  if (verb === '--help' || verb === '-h' || verb === 'help') return { kind: 'help', topic: 'buildjail' }
  if (verb === '--version') return { kind: 'version' }
  if (verb === undefined) throw invalid('arguments', `a command is missing; ${verbs}`)
  if (!isVerb(verb)) throw invalid(readable(verb), `is not a command of buildjail; ${verbs}`)
  return verb === 'run' || verb === 'plan' ? parseSession(verb, rest) : parseHost(verb, rest)
}

/** True when `--json` is among the options, whether or not the rest of them can be read. */
export function isJsonAsked(argv: readonly string[]): boolean {
  return splitCommand(argv).before.includes('--json')
}

function parseHost(kind: HostVerb, words: readonly string[]): Request {
  const given = readOptions(kind, words)
  if (given.has('help')) return { kind: 'help', topic: kind }
  const { flag } = fields.stateDirectory
  const directory = single(given, flag.name)
  return {
    kind,
    isJson: given.has('json'),
    ...(directory === undefined ? {} : { stateDirectory: flag.read([directory], `--${flag.name}`) }),
  }
}

function parseSession(kind: 'run' | 'plan', words: readonly string[]): Request {
  const { before, command } = splitCommand(words)
  const given = readOptions(kind, before)
  if (given.has('help')) return { kind: 'help', topic: kind }

  const request = { spec: specFrom(given), isJson: given.has('json') }
  const forRun = runOptionsFrom(given)
  if (kind === 'plan') return { kind, ...request, command }
  if (command.length === 0) {
    throw new InvalidCommandError('command', 'is missing; it comes last, after --', 'plan')
  }
  return { kind, ...request, ...forRun, command: checkCommand(command) }
}

function runOptionsFrom(given: GivenOptions): Pick<RunRequest, 'timeout' | 'record'> {
  const timeout = single(given, 'timeout')
  const record = single(given, 'record')
  if (record === '') throw invalid('--record', 'must not be empty')
  return {
    ...(timeout === undefined ? {} : { timeout: readDuration(timeout, '--timeout') }),
    ...(record === undefined ? {} : { record }),
  }
}

/** Everything after the first `--` is the command, even a word that looks like an option. */
function splitCommand(argv: readonly string[]): { before: string[]; command: string[] } {
  const separator = argv.indexOf('--')
  return separator < 0 ? { before: [...argv], command: [] } : { before: argv.slice(0, separator), command: argv.slice(separator + 1) }
}
