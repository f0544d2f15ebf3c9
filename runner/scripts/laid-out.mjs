// An action as Buildbarn's worker lays it out below its build directory, for doubles of that worker.
import { linkSync, mkdirSync } from 'node:fs'
import path from 'node:path'

/**
 * @param {string} buildDirectory
 * @param {string} name of the action's folder
 * @param {Iterable<readonly [file: string, source: string]>} [inputs] hard links of a cache, by their paths in the input root
 * @returns {string} its folder
 */
export function layOut(buildDirectory, name, inputs = []) {
  const at = path.join(buildDirectory, name)
  for (const folder of ['root', 'tmp', 'server_logs']) mkdirSync(path.join(at, folder), { recursive: true })
  for (const [file, source] of inputs) {
    mkdirSync(path.dirname(path.join(at, 'root', file)), { recursive: true })
    linkSync(source, path.join(at, 'root', file))
  }
  return at
}

/**
 * What the worker asks for it.
 * @param {string} name
 * @param {readonly string[]} command
 * @param {Readonly<Record<string, string>>} environmentVariables
 */
export function requestOf(name, command, environmentVariables) {
  return {
    arguments: command,
    environmentVariables,
    workingDirectory: '',
    stdoutPath: `${name}/stdout`,
    stderrPath: `${name}/stderr`,
    inputRootDirectory: `${name}/root`,
    temporaryDirectory: `${name}/tmp`,
    serverLogsDirectory: `${name}/server_logs`,
  }
}
