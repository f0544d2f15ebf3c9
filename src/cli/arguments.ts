import path from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'

import { checkCommand } from '../command/command.ts'
import { BuildjailError, SpecError } from '../errors.ts'
import type { Network, Spec, User } from '../spec/spec.ts'

export type Topic = 'buildjail' | 'run' | 'plan' | HostVerb

/** Commands about this host rather than a build. */
export type HostVerb = 'doctor' | 'ps' | 'gc'

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

const options = {
  name: { type: 'string' },
  toolchain: { type: 'string' },
  input: { type: 'string', multiple: true },
  output: { type: 'string' },
  network: { type: 'string' },
  user: { type: 'string' },
  env: { type: 'string', multiple: true },
  cwd: { type: 'string' },
  timeout: { type: 'string' },
  record: { type: 'string' },
  'state-directory': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const hostOptions = { json: options.json, help: options.help } as const
const stateOptions = { ...hostOptions, 'state-directory': options['state-directory'] } as const

const repeatable: ReadonlySet<string> = new Set(['input', 'env', 'json', 'help'])

/**
 * What a command line asks for. Shapes only: that paths exist and fit together is the plan's matter.
 * @throws BuildjailError naming the argument.
 */
export function parseCommandLine(argv: readonly string[]): Request {
  const [verb, ...rest] = argv
  switch (verb) {
    case '--help':
    case '-h':
    case 'help':
      return { kind: 'help', topic: 'buildjail' }
    case '--version':
      return { kind: 'version' }
    case 'run':
    case 'plan':
      return parseSession(verb, rest)
    case 'doctor':
      return parseHost(verb, readOptions(rest, hostOptions))
    case 'ps':
    case 'gc':
      return parseHost(verb, readOptions(rest, stateOptions))
    case undefined:
      throw invalid('arguments', 'say what to do: run, plan, ps, gc or doctor (buildjail --help tells more)')
    default:
      throw invalid('arguments', `there is no command '${verb}'; there are run, plan, ps, gc and doctor (buildjail --help tells more)`)
  }
}

/** True when `--json` is among the options, whether or not the rest of them can be read. */
export function isJsonAsked(argv: readonly string[]): boolean {
  return splitCommand(argv).before.includes('--json')
}

function parseHost(kind: HostVerb, values: { help?: boolean; json?: boolean; 'state-directory'?: string }): Request {
  const { help, json, 'state-directory': stateDirectory } = values
  if (help === true) return { kind: 'help', topic: kind }
  return { kind, isJson: json === true, ...readStateDirectory(stateDirectory) }
}

function parseSession(kind: 'run' | 'plan', argv: readonly string[]): Request {
  const { before, command } = splitCommand(argv)
  const values = readOptions(before, options)
  if (values.help === true) return { kind: 'help', topic: kind }

  const timeout = values.timeout === undefined ? undefined : readDuration('--timeout', values.timeout)
  if (values.record === '') throw invalid('--record', 'must not be empty')
  const spec: Spec = {
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.toolchain === undefined ? {} : { toolchain: readToolchain(values.toolchain) }),
    inputs: readPairs('--input', values.input ?? [], 'name=path'),
    ...(values.output === undefined ? {} : { output: values.output }),
    ...(values.network === undefined ? {} : { network: readNetwork(values.network) }),
    ...(values.user === undefined ? {} : { user: readUser(values.user) }),
    env: readPairs('--env', values.env ?? [], 'NAME=value'),
    ...(values.cwd === undefined ? {} : { cwd: values.cwd }),
    ...readStateDirectory(values['state-directory']),
  }
  const isJson = values.json === true
  if (kind === 'plan') return { kind, spec, command, isJson }
  if (command.length === 0) {
    throw new BuildjailError('ERR_BUILDJAIL_INVALID_COMMAND', 'command: is missing; it comes last, after --', { entry: 'command', step: 'plan' })
  }
  return {
    kind,
    spec,
    command: checkCommand(command),
    isJson,
    ...(timeout === undefined ? {} : { timeout }),
    ...(values.record === undefined ? {} : { record: values.record }),
  }
}

/** Options of the command are none of ours: what follows the first `--` is not looked at. */
function splitCommand(argv: readonly string[]): { before: string[]; command: string[] } {
  const separator = argv.indexOf('--')
  return separator < 0 ? { before: [...argv], command: [] } : { before: argv.slice(0, separator), command: argv.slice(separator + 1) }
}

type Options = NonNullable<ParseArgsConfig['options']>
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values']

function readOptions<T extends Options>(args: string[], known: T): Values<T> {
  try {
    const { values, positionals, tokens } = parseArgs({ args, options: known, strict: true, allowPositionals: true, tokens: true })
    const [stray] = positionals
    if (stray !== undefined) throw invalid('arguments', `'${stray}' is not an option${'input' in known ? '; a command comes after --' : ''}`)
    const seen = new Set<string>()
    for (const token of tokens) {
      if (token.kind !== 'option' || repeatable.has(token.name)) continue
      if (seen.has(token.name)) throw invalid(`--${token.name}`, 'is given twice')
      seen.add(token.name)
    }
    return values
  } catch (error) {
    if (error instanceof SpecError || !(error instanceof Error)) throw error
    // parseArgs explains itself at length; its first sentence names the option.
    throw invalid('arguments', error.message.split(/\.\s/, 1)[0] ?? error.message)
  }
}

function readPairs(option: string, given: readonly string[], form: string): Record<string, string> {
  const pairs = new Map<string, string>()
  for (const text of given) {
    const at = text.indexOf('=')
    if (at < 1) throw invalid(option, `'${text}' is not of the form ${form}`)
    const name = text.slice(0, at)
    if (pairs.has(name)) throw invalid(option, `'${name}' is given twice`)
    pairs.set(name, text.slice(at + 1))
  }
  return Object.fromEntries(pairs)
}

function readStateDirectory(text: string | undefined): { readonly stateDirectory?: string } {
  if (text === '') throw invalid('--state-directory', 'must not be empty')
  return text === undefined ? {} : { stateDirectory: path.resolve(text) }
}

function readToolchain(text: string): NonNullable<Spec['toolchain']> {
  return text === 'host' || text === 'none' ? text : text.split(',')
}

function readNetwork(text: string): Network {
  if (text === 'none' || text === 'host') return text
  throw invalid('--network', `'${text}' is neither none nor host`)
}

function readUser(text: string): User | 'root' {
  if (text === 'root') return text
  const match = /^(\d+):(\d+)(?::(\d+(?:,\d+)*))?$/.exec(text)
  if (match === null) throw invalid('--user', `'${text}' is neither root nor uid:gid or uid:gid:group,group in numbers`)
  const [, uid, gid, groups] = match
  return { uid: Number(uid), gid: Number(gid), ...(groups === undefined ? {} : { groups: groups.split(',').map(Number) }) }
}

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

function readDuration(option: string, text: string): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a duration: 1500 or 1500ms, 10s, 5m, 2h`)
  const duration = Number(match[1]) * milliseconds[(match[2] ?? 'ms') as keyof typeof milliseconds]
  // What setTimeout can count to; more would fire at once.
  if (duration > 2 ** 31 - 1) throw invalid(option, `'${text}' is longer than 24 days`)
  return duration
}

function invalid(argument: string, message: string): SpecError {
  return new SpecError('ERR_BUILDJAIL_INVALID_SPEC', argument, message)
}
