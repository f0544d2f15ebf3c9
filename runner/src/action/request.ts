// A request of a worker, or of `buildjail-launch`, made into a command and the session that it needs.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { Additions, CommandVariables, PassedVariables, Spec, Variables } from 'buildjail'

import type { Config, Launcher } from '../config/config.ts'
import type { LaunchCommand, RunRequest } from '../protocol/messages.ts'
import { wrongRequest } from '../refusal.ts'
import { folderBelow, insideOf, newFileBelow } from './place.ts'

/** The request of a launcher. */
export interface Launched {
  /** On the host. */
  readonly inputRoot: string
  readonly additions: Additions
  readonly command: readonly [string, ...string[]]
  /** Inside. */
  readonly cwd: string
  readonly env: CommandVariables
}

/** The request of a worker. */
export interface Action extends Launched {
  /** On the host, an empty file. */
  readonly stdout: string
  readonly stderr: string
  /** On the host, a folder; undefined if the worker wants no logs. */
  readonly serverLogs: string | undefined
}

/** @throws Refusal. Then only the files for stdout and stderr may have been made. */
export function actionOf(request: RunRequest, { buildDirectory, inputRoot: inside, session }: Pick<Config, 'buildDirectory' | 'inputRoot' | 'session'>): Action {
  const [file, ...words] = request.arguments
  if (file === undefined || file === '') throw wrongRequest('arguments', 'must begin with a program')
  if (request.inputRootDirectory === '') throw wrongRequest('input_root_directory', 'must name a folder')
  const inputRoot = folderBelow(buildDirectory, request.inputRootDirectory, 'input_root_directory')
  if (inputRoot === buildDirectory) throw wrongRequest('input_root_directory', 'must lie in the build directory')
  if (request.temporaryDirectory !== '') folderBelow(buildDirectory, request.temporaryDirectory, 'temporary_directory')
  const cwd = insideOf(inside, request.workingDirectory, 'working_directory')
  const serverLogs = request.serverLogsDirectory === '' ? undefined : folderBelow(buildDirectory, request.serverLogsDirectory, 'server_logs_directory')
  if (serverLogs !== undefined && isWithin(serverLogs, inputRoot)) throw wrongRequest('server_logs_directory', 'must not lie in the input root')
  for (const [field, given] of [['stdout_path', request.stdoutPath], ['stderr_path', request.stderrPath]] as const) {
    if (isWithin(path.join(buildDirectory, given), inputRoot)) throw wrongRequest(field, 'must not lie in the input root')
  }
  const stdout = newFileBelow(buildDirectory, request.stdoutPath, 'stdout_path')
  const stderr = newFileBelow(buildDirectory, request.stderrPath, 'stderr_path')
  return {
    inputRoot,
    additions: shownAt(inside, inputRoot),
    command: [file, ...words],
    cwd,
    env: variablesOf(request.environmentVariables, session),
    stdout,
    stderr,
    serverLogs,
  }
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`)
}

/**
 * The input root of a launched command is the folder above its working directory that lies `launcher.depth` folders below the build directory.
 * @throws Refusal
 */
export function launchedOf(
  { arguments: words, environment, workingDirectory }: LaunchCommand,
  { buildDirectory, inputRoot: inside, session, launcher: { depth } }: Pick<Config, 'buildDirectory' | 'inputRoot' | 'session'> & { readonly launcher: Launcher },
): Launched {
  const [file, ...others] = words.map((word) => text(word, 'arguments'))
  if (file === undefined || file === '') throw wrongRequest('arguments', 'must begin with a program')
  const given = text(workingDirectory, 'working_directory')
  if (!given.startsWith(`${buildDirectory}/`)) throw wrongRequest('working_directory', `'${given}' is not below the build directory '${buildDirectory}'`)
  const relative = given.slice(buildDirectory.length + 1)
  folderBelow(buildDirectory, relative, 'working_directory')
  const parts = relative.split('/')
  if (parts.length < depth) throw wrongRequest('working_directory', `'${given}' is not ${depth} folders below the build directory (launcher.depth)`)
  const inputRoot = path.join(buildDirectory, ...parts.slice(0, depth))
  const variables = environment.map((entry) => variableOf(text(entry, 'environment')))
  return {
    inputRoot,
    additions: shownAt(inside, inputRoot),
    command: [file, ...others],
    cwd: path.join(inside, ...parts.slice(depth)),
    env: variablesOf(Object.fromEntries(variables), session),
  }
}

function variableOf(entry: string): [string, string] {
  const end = entry.indexOf('=')
  if (end <= 0) throw wrongRequest('environment', `'${entry}' is not NAME=value`)
  return [entry.slice(0, end), entry.slice(end + 1)]
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function text(bytes: Buffer, field: string): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw wrongRequest(field, 'must be UTF-8')
  }
}

/** Folders of a userland that the session's own replace. */
const ofTheSession = new Set(['dev', 'proc', 'tmp'])

/**
 * Shows an input root in a session: at its place, writable; or as the root, each folder of it writable at its own name, and each file read-only.
 * Nothing can be made beside them, because the root of a session is sealed.
 * @throws Refusal of a userland with a link beside its folders, which a session could not show
 */
function shownAt(inside: string, inputRoot: string): Additions {
  if (inside !== '/') return { outputs: { [inside]: inputRoot } }
  const entries = readdirSync(inputRoot, { withFileTypes: true }).filter(({ name }) => !ofTheSession.has(name))
  const wrong = entries.find((entry) => !entry.isDirectory() && !entry.isFile())
  if (wrong !== undefined) throw wrongRequest('input_root_directory', `'${wrong.name}' at the top of the input root is neither a folder nor a file, so the input root cannot be the root`)
  const at = (kind: 'isDirectory' | 'isFile'): Record<string, string> =>
    Object.fromEntries(entries.filter((entry) => entry[kind]()).map(({ name }) => [`/${name}`, path.join(inputRoot, name)]))
  return { outputs: at('isDirectory'), inputs: at('isFile') }
}

/** Variables that every session has. An action gets them only from its request or the configuration. */
const ofEverySession = ['HOME', 'LC_ALL']

/**
 * The environment of an action: what it asks for, TMPDIR, and what the configuration sets. An action that asks for no PATH has the session's:
 * without one no program would be found.
 */
function variablesOf(asked: Readonly<Record<string, string>>, { env }: Spec): CommandVariables {
  const configured = env === undefined ? [] : namesOf(env)
  const left = ofEverySession.filter((name) => !configured.includes(name)).map((name) => [name, undefined])
  return { ...(Object.fromEntries(left) as CommandVariables), ...asked, TMPDIR: '/tmp' }
}

function namesOf(env: Variables | PassedVariables): readonly string[] {
  const { pass, set } = env as PassedVariables
  if (typeof (pass ?? '') === 'string' && typeof (set ?? '') === 'string') return Object.keys(env)
  return [...(pass ?? []), ...Object.keys(set ?? {})]
}
