import type { Outcome, Verdict } from '../conformance/index.ts'
import { invalid } from '../spec/check.ts'
import { UnsupportedPlatformError } from '../errors.ts'
import type { ConformanceRequest } from './command-line.ts'
import { exitStatus } from './exit-status.ts'
import { RecordFile } from './record-file.ts'
import { jsonText, styleOf, type Terminal } from './report.ts'
import type { Style } from './style.ts'

/**
 * `buildjail conformance`: whether the kernel does what is documented of jails and mounts. Returns the exit status.
 * @throws UnsupportedPlatformError off FreeBSD
 */
export async function conformanceVerb({ isJson, page, only }: ConformanceRequest, terminal: Terminal, version: string): Promise<number> {
  if (process.platform !== 'freebsd') throw new UnsupportedPlatformError('the conformance suite of FreeBSD')
  // Much, and of nobody else: it stays modules beside the one file of the command line.
  const { chosen, countOf, pageOfReport, runCases, seenText, verdictWords } = await import('../conformance/index.ts')
  const groups = chosen(only)
  if (groups.length === 0) throw invalid('--only', `no case has ${only.join(' and ')} in its name`)
  const file = page === undefined ? undefined : new RecordFile('--page', page)
  const say = (text: string): void => (isJson ? undefined : terminal.out(text))
  try {
    const style = styleOf(terminal)
    const report = await runCases(groups, (outcome) => {
      if (outcome.verdict !== 'conforms') say(told(outcome, { seenText, verdictWords }, style))
    })
    file?.write(pageOfReport(report, version))
    const { conforms, listed, deviates, skipped } = countOf(report)
    const sum = `${report.kernel.release}: ${conforms} of ${conforms + listed + deviates} cases conform, ${listed} ${listed === 1 ? 'deviation is' : 'deviations are'} known, ${deviates} not; ${skipped} not looked at`
    say(`${deviates === 0 ? style.good(sum) : style.bad(sum)}\n`)
    if (isJson) terminal.out(`${jsonText(report, 2)}\n`)
    return deviates === 0 ? exitStatus.success : exitStatus.deviates
  } finally {
    file?.close()
  }
}

interface Words {
  readonly seenText: (seen: Outcome['expected'] | undefined) => string
  readonly verdictWords: Readonly<Record<Verdict, string>>
}

function told({ id, title, expected, seen, verdict, because, cites }: Outcome, { seenText, verdictWords }: Words, { bad, doubtful }: Style): string {
  const lines = [`${verdict === 'deviates' ? bad(verdictWords[verdict]) : doubtful(verdictWords[verdict])}: ${id}: ${title}`]
  if (verdict !== 'skipped') lines.push(`  expected: ${seenText(expected)} (${cites.join('; ')})`, `  seen:     ${seenText(seen)}`)
  if (because !== undefined) lines.push(`  because:  ${because}`)
  return `${lines.join('\n')}\n`
}
