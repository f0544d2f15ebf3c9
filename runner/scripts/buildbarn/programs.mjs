// Where Buildbarn's programs are. This package neither has them nor gets them: who runs the test puts them into a folder.
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

import { NotRun } from '../../../scripts/guest/not-run.mjs'

const names = ['bb_storage', 'bb_scheduler', 'bb_worker', 'rexec']

/**
 * @param {string | undefined} folder
 * @returns {Readonly<Record<string, string>>} each program's path, by its name
 * @throws NotRun where no folder is named. One that lacks a program is a mistake, not a machine without Buildbarn.
 */
export function programsIn(folder) {
  if (folder === undefined) {
    throw new NotRun(`needs ${names.join(', ')} of bb-storage, bb-remote-execution and remote-apis-sdks in one folder, and BUILDJAIL_BUILDBARN to name it`)
  }
  const files = Object.fromEntries(names.map((name) => [name, path.resolve(folder, name)]))
  for (const file of Object.values(files)) accessSync(file, constants.X_OK)
  return files
}
