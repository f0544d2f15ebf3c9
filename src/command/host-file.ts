import { lstatSync, readlinkSync, type BigIntStats } from 'node:fs'
import path from 'node:path'

import { InvalidCommandError } from '../errors.ts'
import { keyOf, outputKeys } from '../spec/outputs.ts'
import { identityOf, type Mount } from '../spec/plan.ts'

// As the kernels have it (path_resolution(7), symlink(7)): more is a loop.
const mostLinks = 40

/**
 * A file of the host that is opened for a command is opened by us, as root. Where the build can write, it could put a link in
 * its place, or in that of a folder on the way to it, and have us read or write what is not its own: no way there may lead through
 * one of its outputs. Parts of the way that cannot be looked at are left to the opening, which then fails.
 * @throws InvalidCommandError
 */
export function checkHostFile(file: string, entry: string, mounts: readonly Mount[]): void {
  const outputs = new Set(outputKeys(mounts))
  // defence: no-file-opened-command
  if (outputs.size === 0) return
  let ahead = parts(file)
  let folder = '/'
  for (let links = 0; links <= mostLinks; ) {
    const found = look(folder)
    if (found === undefined) return
    if (outputs.has(keyOf(identityOf(found)))) throw unfit(entry, file)
    const [next, ...rest] = ahead
    if (next === undefined) return
    const at = path.join(folder, next)
    const link = look(at)?.isSymbolicLink() === true ? readlinkSync(at) : undefined
    ahead = link === undefined ? rest : [...parts(link), ...rest]
    if (link === undefined) folder = at
    else if (link.startsWith('/')) folder = '/'
    links += link === undefined ? 0 : 1
  }
}

function parts(file: string): string[] {
  return file.split('/').filter((part) => part !== '' && part !== '.')
}

function look(file: string): BigIntStats | undefined {
  try {
    return lstatSync(file, { bigint: true })
  } catch {
    return undefined
  }
}

function unfit(entry: string, file: string): InvalidCommandError {
  return new InvalidCommandError(entry, `the way to ${file} leads through an output of the session, where the build could put a link`, 'launch')
}
