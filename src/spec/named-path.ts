import nodePath from 'node:path'

import { invalid } from './check.ts'

/** Marks at the end of a name say more of what it names: `?` that it may be missing, ... */
const marked = /^(.+?)([?~]*)$/s

/**
 * A text of the form `name=path`. A path alone has its last part as its name: `./src` is `src=./src`, and `./src?` is `src?=./src`. In a
 * relative path an equals sign after the first part belongs to the path.
 * @throws SpecError naming the option.
 */
export function withName(text: string, option: string): string {
  const before = text.slice(0, Math.max(text.indexOf('='), 0))
  if (before !== '' && (before.startsWith('/') || !before.includes('/'))) return text
  if (text.startsWith('=')) return text
  const [, path = text, marks = ''] = marked.exec(text) ?? []
  const name = nodePath.basename(nodePath.resolve(path))
  if (text === '' || name === '' || name.includes('=')) throw invalid(option, `'${text}' has no last part that could be its name: write NAME=PATH`)
  return `${name}${marks}=${path}`
}
