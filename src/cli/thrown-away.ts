import { bytes } from '../page/figures.ts'
import type { Changes } from '../session/changes.ts'
import { readable } from '../spec/messages.ts'

const mostNamed = 3

/** One line about what a command wrote in an overlay; undefined where that is nothing. */
export function thrownAwayText({ source, added, changed, removed, bytes: size, folders, isWhole }: Changes): string | undefined {
  const parts = [counted(added, 'added'), counted(changed, 'changed'), counted(removed, 'removed')].filter((part) => part !== '')
  if (parts.length === 0) return undefined
  const most = folders.slice(0, mostNamed).map(({ name, count }) => `${name === '.' ? 'the folder itself' : readable(name)} (${count})`)
  const more = folders.length > mostNamed ? ', ...' : ''
  const least = isWhole ? '' : 'at least '
  return `thrown away in ${readable(source)}: ${least}${parts.join(', ')} (${bytes(size)}), in ${most.join(', ')}${more}; --out FOLDER keeps one`
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${count === 1 ? 'file' : 'files'} ${what}`
}
