import path from 'node:path'
import type { Additions, CommandVariables } from 'buildjail'

import type { Config, Launcher } from '../config/fields.ts'
import type { LaunchCommand } from '../protocol/messages.ts'
import { wrongRequest } from '../refusal.ts'
import { folderBelow } from './place.ts'
import { shownAt } from './shown.ts'
import { variablesOf } from './variables.ts'

/** What a launcher's request comes to. */
export interface Launched {
  readonly inputRoot: string
  readonly additions: Additions
  readonly command: readonly [string, ...string[]]
  readonly cwd: string
  readonly env: CommandVariables
}

/**
 * A command has the input root that its working directory lies in, so many folders below the build directory as the configuration says.
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
    throw wrongRequest(field, 'holds what is no UTF-8')
  }
}
