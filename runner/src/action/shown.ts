import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { Additions } from 'buildjail'

import { wrongRequest } from '../refusal.ts'

/** The session has its own of these, whatever a userland has. */
const ofTheSession = new Set(['dev', 'proc', 'tmp'])

/**
 * How an input root is shown in a session: at its place, writable; or as the root itself, each of its folders at its own name and writable, and each
 * file read-only. Nothing can be made beside them, as the root of a session is sealed.
 * @throws Refusal of a userland with a link beside its folders, which a session could not show
 */
export function shownAt(inside: string, inputRoot: string): Additions {
  if (inside !== '/') return { outputs: { [inside]: inputRoot } }
  const entries = readdirSync(inputRoot, { withFileTypes: true }).filter(({ name }) => !ofTheSession.has(name))
  const wrong = entries.find((entry) => !entry.isDirectory() && !entry.isFile())
  if (wrong !== undefined) throw wrongRequest('input_root_directory', `'${wrong.name}' at the top of the input root is neither a folder nor a file, and so it cannot be a root`)
  const at = (kind: 'isDirectory' | 'isFile'): Record<string, string> =>
    Object.fromEntries(entries.filter((entry) => entry[kind]()).map(({ name }) => [`/${name}`, path.join(inputRoot, name)]))
  return { outputs: at('isDirectory'), inputs: at('isFile') }
}
