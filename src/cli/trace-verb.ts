import { TraceError } from '../errors.ts'
import { filesDiff, type FileDifference } from '../recording/files-diff.ts'
import { readRecord } from '../recording/read-record.ts'
import { useNames, type RecordedFiles } from '../recording/seen-files.ts'
import { invalid } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import type { TraceRequest } from './command-line.ts'
import { exitStatus } from './exit-status.ts'
import { textOfFile } from './named-file.ts'
import { jsonText } from './report.ts'
import { styleOf, type Terminal } from './terminal.ts'

/** `buildjail trace diff`: the paths that one run looked up and another did not. Returns the exit status. */
export function traceVerb({ compared, isJson }: TraceRequest, terminal: Terminal): number {
  const [before, after] = compared.map(filesIn) as [RecordedFiles, RecordedFiles]
  const differences = filesDiff(before, after)
  terminal.out(isJson ? `${jsonText(differences, 2)}\n` : textOf(differences, terminal))
  return differences.length === 0 ? exitStatus.success : exitStatus.differs
}

function filesIn(name: string): RecordedFiles {
  const { files } = readRecord(textOfFile(name), name)
  if (files === undefined) throw invalid(readable(name), 'has no files: it is of a run without --trace')
  const isCut = files.entries.some((use) => useNames.some((list) => use[list].leftOut !== undefined))
  // defence: diff-of-whole-records
  if (isCut || files.lost > 0) throw new TraceError('ERR_BUILDJAIL_TRACE_INCOMPLETE', `${readable(name)} lacks paths, of which there were too many, so what differs is unknown`)
  return files
}

/** Lines as those of diff(1), by entry. */
function textOf(differences: readonly FileDifference[], terminal: Terminal): string {
  const { strong, good, bad } = styleOf(terminal)
  let heading: string | undefined
  const lines = differences.flatMap(({ entry, path, before, after }) => {
    const begins = entry === heading ? [] : [strong(entry === '' ? 'elsewhere in the session' : readable(entry))]
    heading = entry
    return [
      ...begins,
      ...(before.length === 0 ? [] : [bad(`- ${before.join(', ')} ${readable(path)}`)]),
      ...(after.length === 0 ? [] : [good(`+ ${after.join(', ')} ${readable(path)}`)]),
    ]
  })
  return lines.map((line) => `${line}\n`).join('')
}
