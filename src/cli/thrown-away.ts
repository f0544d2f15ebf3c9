import { bytes } from '../page/figures.ts'
import type { Applied } from '../native/record.ts'
import type { Changes } from '../session/changes.ts'
import type { HereOptions } from '../here/here.ts'
import { readable } from '../spec/messages.ts'
import { isWithin } from '../spec/paths.ts'
import type { Spec } from '../spec/spec.ts'

const mostNamed = 3

/**
 * One line about a command's changes in an overlay; undefined without any.
 * @param remedy how options keep it
 */
export function thrownAwayText(changes: Changes, remedy?: string): string | undefined {
  const what = changesText(changes)
  return what === undefined ? undefined : `thrown away in ${readable(changes.source)}: ${what}${remedy === undefined ? '' : `; ${remedy}`}`
}

/** The secrets of the project that a command did not see, in one line. Undefined without any. */
export function notShownText({ inputs = {}, cwd = '/' }: Spec, { exclude = [] }: HereOptions): string | undefined {
  const project = Object.entries(inputs).find(([target, source]) => isWithin(cwd, target) && typeof source === 'object' && source.exclude !== undefined)
  const secrets = ((project?.[1] as { readonly exclude?: readonly string[] } | undefined)?.exclude ?? []).filter((one) => !one.endsWith('/') && !exclude.includes(one))
  if (secrets.length === 0) return undefined
  return `empty in the session: ${secrets.slice(0, mostNamed).map(readable).join(', ')}${secrets.length > mostNamed ? ', ...' : ''}; --env-files shows ${secrets.length === 1 ? 'it' : 'them'}`
}

/** A question at a terminal about the changes that were thrown away. */
export function applyQuestion(changes: Changes): string | undefined {
  const what = changesText(changes)
  return what === undefined ? undefined : `apply to ${readable(changes.source)}: ${what}?`
}

export function appliedText({ source }: Changes, { written, removed, left }: Applied): string {
  const not = left.length === 0 ? '' : `; not ${left.slice(0, mostNamed).map(readable).join(', ')}${left.length > mostNamed ? ', ...' : ''}`
  return `applied to ${readable(source)}: ${written} written, ${removed} removed${not}`
}

function changesText({ added, changed, removed, bytes: size, folders, isWhole }: Changes): string | undefined {
  const parts = [counted(added, 'added'), counted(changed, 'changed'), counted(removed, 'removed')].filter((part) => part !== '')
  if (parts.length === 0) return undefined
  const most = folders.slice(0, mostNamed).map(({ name, count }) => `${name === '.' ? 'the folder itself' : readable(name)} (${count})`)
  const more = folders.length > mostNamed ? ', ...' : ''
  const least = isWhole ? '' : 'at least '
  return `${least}${parts.join(', ')} (${bytes(size)}), in ${most.join(', ')}${more}`
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}`
}
