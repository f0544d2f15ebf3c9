import path from 'node:path'

import { secrets } from '../here/here.ts'
import { patternOf } from '../spec/excluded.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'
import type { UsedNode } from './used-tree.ts'

/** The parts of a project that a command did not see. */
export interface Hiding {
  /** The paths that it found there. */
  readonly tree: UsedNode
  readonly plan: Plan
  /** Patterns in the project. */
  readonly exclude: readonly string[]
  /** True: the command saw the secrets. */
  readonly envFiles: boolean
}

/** The patterns of a folder that is shown as a whole. They also fit files that appear there later. */
export function hiddenIn(folder: string, { tree, plan, exclude, envFiles }: Hiding): readonly string[] {
  const names = path.relative(tree.path, folder).split('/').filter((name) => name !== '')
  const given = exclude.flatMap((pattern) => below(pattern.split('/'), names))
  const node = names.reduce((at: UsedNode | undefined, name) => at?.children.get(name), tree)
  const written = envFiles ? [] : secrets.filter((secret) => !isUsedIn(node, secret))
  // Folders that the caller cannot read are among them.
  const places = placesOf(folder, tree.path, exclude.length, plan).filter((one) => !written.some((secret) => patternOf(secret).test(path.basename(one))))
  return [...new Set([...given, ...places, ...written.map((secret) => `**/${secret}`)])]
}

/** The rest of a pattern in a folder, which is named by its path from where the pattern begins. */
function below(pattern: readonly string[], [folder, ...inner]: readonly string[]): readonly string[] {
  const [first = '', ...rest] = pattern
  if (folder === undefined) return [pattern.join('/')]
  // A pattern that ends in a slash has an empty part there.
  if (rest.length === 0 || rest[0] === '') return first === '**' ? [pattern.join('/')] : []
  if (first === '**') return [...below(pattern, inner), ...below(rest, [folder, ...inner])]
  return patternOf(first).test(folder) ? below(rest, inner) : []
}

/** Whether the command found a path of such a name: a virtual environment in `.env` is no secret. */
function isUsedIn(node: UsedNode | undefined, secret: string): boolean {
  return [...(node?.children ?? [])].some(([name, child]) => patternOf(secret).test(name) || isUsedIn(child, secret))
}

/** The paths that were found to be hidden, besides those that a number of patterns fit. */
function placesOf(folder: string, project: string, patterns: number, { mounts }: Plan): readonly string[] {
  const own = `inputs.${project}.exclude[`
  const places = mounts.filter(({ entry, target }) => entry.startsWith(own) && Number.parseInt(entry.slice(own.length), 10) >= patterns && target !== folder && isWithin(target, folder))
  return places.map(({ target }) => path.relative(folder, target))
}
