import path from 'node:path'
import type { Additions, CommandVariables } from 'buildjail'

import type { Config } from '../config/fields.ts'
import type { RunRequest } from '../protocol/messages.ts'
import { wrongRequest } from '../refusal.ts'
import { folderBelow, insideOf, newFileBelow } from './place.ts'
import { shownAt } from './shown.ts'
import { variablesOf } from './variables.ts'

/** What a request comes to. */
export interface Action {
  /** On the host: the worker's name of the action. */
  readonly inputRoot: string
  readonly additions: Additions
  readonly command: readonly [string, ...string[]]
  /** Inside. */
  readonly cwd: string
  readonly env: CommandVariables
  /** On the host, empty. */
  readonly stdout: string
  readonly stderr: string
  /** On the host, a folder; undefined where the worker wants no logs. */
  readonly serverLogs: string | undefined
}

/** @throws Refusal. Nothing but the files of the output was made then. */
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
