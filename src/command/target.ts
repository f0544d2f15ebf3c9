import { lstatSync, readlinkSync, type BigIntStats } from 'node:fs'
import path from 'node:path'

import { InvalidCommandError } from '../errors.ts'
import type { WireStdio } from '../native/wire-job.ts'
import { keyOf, outputKeys } from '../spec/outputs.ts'
import { identityOf, type Mount } from '../spec/plan.ts'

/**
 * `{ file }`: a path of the host. The command gets a pipe. buildjail appends to the file what comes out of it, or reads from the file what goes into it as
 * stdin. When the end of the command is reported, all that it wrote is in the file; output of its daemons follows until the session is closed. An output file
 * is not opened through a symbolic link at its end. No file may lie where the session can write. A fifo or a device that takes nothing for 5 seconds after the
 * end of the command is an error of the run.
 *
 * `inherit`: stdin is the very pipe or socket that this program has. stdout and stderr are pipes; buildjail passes their output on to the pipe or socket that
 * this program has. The command never gets a terminal of this program: it gets one of its own, and buildjail passes on what goes through that. A file or a
 * device is read and written as a `{ file }` is, and /dev/null is the session's own. A part of an inherited file that the command did not read is left for the
 * next reader.
 */
export type StdioTarget = 'pipe' | 'inherit' | 'ignore' | { readonly file: string }

/**
 * A list sends the same to each, as tee(1) does: `['pipe', 'inherit', { file }]`. If nothing reads an inherited pipe any more, passing output on to it fails,
 * and after that the command's writes fail. If the result has the output too (`pipe`), it is an error of the run instead.
 */
export type StdioTargets = StdioTarget | readonly StdioTarget[]

/** @throws InvalidCommandError */
export function wireStdio(target: unknown, entry: string): WireStdio {
  if (target === 'pipe' || target === 'inherit' || target === 'ignore') return { kind: target }
  if (typeof target === 'object' && target !== null && Object.hasOwn(target, 'file')) {
    const { file } = target as { readonly file: unknown }
    if (typeof file === 'string' && file !== '' && !file.includes('\0')) return { kind: 'file', path: path.resolve(file) }
  }
  if (target === 'pty') throw new InvalidCommandError(entry, "'pty' is all three at once: stdio: 'pty'", 'launch')
  throw new InvalidCommandError(entry, "must be 'pipe', 'inherit', 'ignore' or { file: path }", 'launch')
}

/**
 * The targets of a command's output, each once.
 * @throws InvalidCommandError
 */
export function wireTargets(target: unknown, entry: string): readonly WireStdio[] {
  if (!Array.isArray(target)) return [wireStdio(target, entry)]
  const targets: WireStdio[] = []
  const { length } = target
  for (let index = 0; index < length; index += 1) {
    targets.push(wireStdio(Object.hasOwn(target, index) ? (target as unknown[])[index] : undefined, `${entry}[${index}]`))
  }
  if (length === 0) throw new InvalidCommandError(entry, 'must name a target, but the list is empty', 'launch')
  const seen = new Set<string>()
  for (const { kind, path: file } of targets) {
    if (kind === 'ignore' && length > 1) throw new InvalidCommandError(entry, "'ignore' cannot be combined with other targets", 'launch')
    const name = kind === 'file' ? `{ file: ${file} }` : `'${kind}'`
    if (seen.has(name)) throw new InvalidCommandError(entry, `${name} is in the list twice`, 'launch')
    seen.add(name)
  }
  return targets
}

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
