import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Spec } from 'buildjail'

/** The configuration is refused. Nothing has been started. */
export class InvalidConfigError extends Error {
  /** `metrics.port` */
  readonly entry: string

  constructor(entry: string, problem: string) {
    super(`${entry}: ${problem}`)
    this.name = new.target.name
    this.entry = entry
  }
}

/** What `runner.json` says. */
export interface Config {
  /** Where the runner listens: a Unix socket, absolute. It is made with mode 0600. */
  readonly socket: string
  /** The worker's, absolute. Every path of a request is below it. It, or the folder that it is in, belongs to the user of the runner and is shut to others (mode 0700). */
  readonly buildDirectory: string
  /** How many actions run at a time; others wait. The worker's own concurrency should be the same. Default: one for each processor. */
  readonly concurrency: number
  /** What each action's session is made of: a spec without outputs and `cwd`, as buildjail's spec files have it. */
  readonly session: Spec
  /**
   * Where an action finds its input root, inside. Default: `/build`. `/`: it is the root itself, a userland of its own; the session has nothing of the host's
   * then but /dev, /proc and /tmp of its own.
   */
  readonly inputRoot: string
  /**
   * Whose input roots are while an action runs, as the field of a spec: `folder` (default), the build user's; or `unchanged`, for virtual
   * build directories (FUSE, NFSv4), which know no change of owner.
   */
  readonly ownership: 'folder' | 'unchanged'
  /** Of which actions the worker is given a log of the session to keep: `none`, `failed` (default) or `all`. */
  readonly serverLogs: 'none' | 'failed' | 'all'
  /** Milliseconds that SIGTERM leaves to the actions that run. Default: 60,000. */
  readonly drainTimeout: number
  /** Where Prometheus finds the metrics, by HTTP. Default: nowhere. */
  readonly metrics: Metrics | undefined
  /** Of the log on stdout. Default: `info`, which has a line for each action. */
  readonly logLevel: (typeof logLevels)[number]
  /** For `buildjail-launch`. Default: commands are not launched. */
  readonly launcher: Launcher | undefined
}

export interface Metrics {
  /** Default: 127.0.0.1. */
  readonly host: string
  readonly port: number
}

export interface Launcher {
  /** How many folders below the build directory the input root of a command lies: with 2, that of `<build directory>/a/b/c/d` is `a/b`. */
  readonly depth: number
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

// buildjail exports no checks of its spec: it checks `session` itself, and the runner its own fields.
interface ConfigField<Value> {
  /** @throws InvalidConfigError */
  read(given: unknown, entry: string): Value
  readonly schema: Readonly<Record<string, unknown>>
}

const absolutePath: ConfigField<string> = {
  read: (given, entry) => {
    if (typeof given === 'string' && given.startsWith('/') && !given.includes('\0')) return given
    throw new InvalidConfigError(entry, 'must be an absolute path')
  },
  schema: { type: 'string', pattern: String.raw`^/[^\0]*$` },
}

function integer(least: number, most: number): ConfigField<number> {
  return {
    read: (given, entry) => {
      if (typeof given === 'number' && Number.isInteger(given) && given >= least && given <= most) return given
      throw new InvalidConfigError(entry, `must be a whole number from ${least} to ${most}`)
    },
    schema: { type: 'integer', minimum: least, maximum: most },
  }
}

function word<Word extends string>(words: readonly Word[]): ConfigField<Word> {
  return {
    read: (given, entry) => {
      const found = words.find((one) => one === given)
      if (found === undefined) throw new InvalidConfigError(entry, `must be one of ${words.join(', ')}`)
      return found
    },
    schema: { enum: words },
  }
}

function record(given: unknown, entry: string, keys?: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new InvalidConfigError(entry, 'must be an object')
  for (const key of Object.keys(given)) {
    if (keys !== undefined && !keys.includes(key)) throw new InvalidConfigError(entry === '' ? key : `${entry}.${key}`, `is not a field; there are ${keys.join(', ')}`)
  }
  return given as Readonly<Record<string, unknown>>
}

/** Fields of a spec that each action or the runner itself decides. */
const notOfTheBase = ['output', 'outputs', 'stores', 'cwd', 'keep', 'wait', 'ownership'] as const

const sessionField: ConfigField<Spec> = {
  read: (given, entry) => {
    const spec = record(given, entry)
    const wrong = notOfTheBase.find((name) => Object.hasOwn(spec, name))
    if (wrong !== undefined) throw new InvalidConfigError(`${entry}.${wrong}`, 'is not for the session of every action')
    return spec as Spec
  },
  schema: { type: 'object' },
}

const port = integer(1, 65_535)

const insideField: ConfigField<string> = {
  read: (given, entry) => {
    const path = absolutePath.read(given, entry)
    if (path === '/') return path
    if (/^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/.test(path)) return path
    throw new InvalidConfigError(entry, "must be a path inside, without '.', '..' and empty parts")
  },
  schema: { type: 'string', pattern: String.raw`^(/|(/[^/\0]+)+)$` },
}

const metricsField: ConfigField<Metrics> = {
  read: (given, entry) => {
    const { host = '127.0.0.1', port: number } = record(given, entry, ['host', 'port'])
    if (typeof host !== 'string') throw new InvalidConfigError(`${entry}.host`, 'must be a name or an address')
    return { host, port: port.read(number, `${entry}.port`) }
  },
  schema: { type: 'object', properties: { host: { type: 'string' }, port: port.schema }, required: ['port'], additionalProperties: false },
}

const depth = integer(1, 32)

const launcherField: ConfigField<Launcher> = {
  read: (given, entry) => ({ depth: depth.read(record(given, entry, ['depth'])['depth'], `${entry}.depth`) }),
  schema: { type: 'object', properties: { depth: depth.schema }, required: ['depth'], additionalProperties: false },
}

/** Each field, and its value if the file lacks it. */
export const fields: { readonly [Name in keyof Config]: ConfigField<Exclude<Config[Name], undefined>> & { readonly missing?: () => Config[Name] } } = {
  socket: absolutePath,
  buildDirectory: absolutePath,
  concurrency: { ...integer(1, 1000), missing: availableParallelism },
  session: { ...sessionField, missing: () => ({}) },
  inputRoot: { ...insideField, missing: () => '/build' },
  ownership: { ...word(['folder', 'unchanged']), missing: () => 'folder' },
  serverLogs: { ...word(['none', 'failed', 'all']), missing: () => 'failed' },
  drainTimeout: { ...integer(0, 2 ** 31 - 1), missing: () => 60_000 },
  metrics: { ...metricsField, missing: () => undefined },
  logLevel: { ...word(logLevels), missing: () => 'info' },
  launcher: { ...launcherField, missing: () => undefined },
}

/** @throws InvalidConfigError, and the errors of readFileSync */
export function readConfigFile(file: string): Config {
  let given: unknown
  try {
    given = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw new InvalidConfigError(file, `is not JSON: ${error.message}`)
    throw error
  }
  return readConfig(given)
}

/** @throws InvalidConfigError */
export function readConfig(given: unknown): Config {
  const { $schema: _, ...entries } = record(given, 'the file')
  record(entries, '', Object.keys(fields))
  const config: Record<string, unknown> = {}
  for (const [name, { read, missing }] of Object.entries(fields)) {
    if (Object.hasOwn(entries, name)) config[name] = read(entries[name], name)
    else if (missing === undefined) throw new InvalidConfigError(name, 'is missing')
    else config[name] = missing()
  }
  return config as unknown as Config
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>
}

/** JSON Schema of `runner.json`. @param specFile that of buildjail's spec files */
export function configSchema({ properties }: ObjectSchema): object {
  const entries = Object.entries(fields)
  const left = new Set<string>([...notOfTheBase, '$schema', 'command'])
  const session = {
    ...fields.session.schema,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !left.has(name))),
    additionalProperties: false,
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'buildjail-runner configuration',
    type: 'object',
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])), session },
    required: entries.filter(([, { missing }]) => missing === undefined).map(([name]) => name),
    additionalProperties: false,
  }
}
