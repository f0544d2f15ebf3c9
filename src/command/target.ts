import path from 'node:path'

import { InvalidCommandError } from '../errors.ts'
import type { WireStdio } from '../native/wire-job.ts'

/**
 * `{ file }`: opened by us for the command, appended to (or read from, as stdin); a path of the host. A file that is written to is
 * not opened through a symbolic link at its end. No file may lie where the session can write.
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
