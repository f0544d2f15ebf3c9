import path from 'node:path'

import { InvalidCommandError } from '../errors.ts'
import type { WireStdio } from '../native/wire-job.ts'

/**
 * `{ file }`: a path of the host. The command gets a pipe, and we append to the file what comes out of it, or read from the file what goes
 * into it as stdin. All that the command wrote is in the file when its end is told, and what its daemons write follows until the session is
 * closed. A file that is written to is not opened through a symbolic link at its end. No file may lie where the session can write.
 *
 * `inherit`: of a pipe, a socket or a terminal, the very one that this program has. A file or a device is read and written as a
 * `{ file }` is, and /dev/null is the session's own.
 */
export type StdioTarget = 'pipe' | 'inherit' | 'ignore' | { readonly file: string }

/** A list sends the same to each, as tee(1) does: `['pipe', 'inherit', { file }]`. */
export type OutputTarget = StdioTarget | readonly StdioTarget[]

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
 * Where a command's output goes, each of it once.
 * @throws InvalidCommandError
 */
export function wireTargets(target: unknown, entry: string): readonly WireStdio[] {
  if (!Array.isArray(target)) return [wireStdio(target, entry)]
  const targets: WireStdio[] = []
  const { length } = target
  for (let index = 0; index < length; index += 1) {
    targets.push(wireStdio(Object.hasOwn(target, index) ? (target as unknown[])[index] : undefined, `${entry}[${index}]`))
  }
  if (length === 0) throw new InvalidCommandError(entry, 'must name a target; there is none in the list', 'launch')
  const seen = new Set<string>()
  for (const { kind, path: file } of targets) {
    if (kind === 'ignore' && length > 1) throw new InvalidCommandError(entry, "'ignore' cannot be had together with other targets", 'launch')
    const name = kind === 'file' ? `{ file: ${file} }` : `'${kind}'`
    if (seen.has(name)) throw new InvalidCommandError(entry, `${name} is in the list twice`, 'launch')
    seen.add(name)
  }
  return targets
}
