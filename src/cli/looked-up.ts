import { useNames, type RecordedFiles } from '../recording/seen-files.ts'
import { readable } from '../spec/messages.ts'

const mostNamed = 3

/** One line about the paths that a run with a trace looked up, if no file records them. */
export function lookedUpText({ entries, unused, lost }: RecordedFiles): string {
  const counts = useNames.map((name) => [name, entries.reduce((sum, entry) => sum + entry[name].paths.length + (entry[name].leftOut ?? 0), 0)] as const)
  const seen = counts.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name === 'looked' ? 'looked at' : name}`)
  const missing = lost === 0 ? [] : [`${lost} calls are not known`]
  const entriesUnused = unused.length === 0 ? [] : [`nothing used ${unused.slice(0, mostNamed).map(readable).join(', ')}${unused.length > mostNamed ? ', ...' : ''}`]
  return [`traced paths: ${seen.join(', ')}`, ...missing, ...entriesUnused, '--record FILE keeps them'].join('; ')
}
