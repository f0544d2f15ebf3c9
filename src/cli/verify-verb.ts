import { commandLine } from '../command/command.ts'
import type { Result } from '../command/result.ts'
import { bytes } from '../page/figures.ts'
import { inOneLine, readable } from '../spec/messages.ts'
import { planOf } from '../spec/plan.ts'
import type { Difference, Verification } from '../verify/verification.ts'
import { Verifying, type BuildToRun } from '../verify/verifying.ts'
import type { RunRequest } from './command-line.ts'
import { effectiveSpec, type EffectiveSpec } from './effective-spec.ts'
import { exitStatus } from './exit-status.ts'
import { packageVersion } from './manual.ts'
import { describeError, jsonLine, tell } from './report.ts'
import { RecordFile, refuseWithin } from './run-report.ts'
import { RunStreams } from './run-streams.ts'
import { describeOutcome, report, runOnce, type Outcome } from './run-verb.ts'
import { goesOn, Interruption } from './signals.ts'
import type { Terminal } from './terminal.ts'

/** `buildjail run --verify`: the command several times, each in a session of its own, and what they left compared. Returns the exit status. */
export async function verifyVerb(request: RunRequest, options: NonNullable<RunRequest['verify']>, terminal: Terminal): Promise<number> {
  const effective = await effectiveSpec(request)
  const page = request.page === undefined ? undefined : pageFile(request.page, effective)
  const interruption = new Interruption(() => tell(terminal, goesOn))
  const { signal } = interruption
  let verifying: Verifying | undefined
  try {
    verifying = await Verifying.begin(effective.spec, effective.command, { ...options, signal })
    const results: Result[] = []
    for (const build of verifying.builds) {
      tell(terminal, headingOf(build, verifying))
      const outcome = await verifying.run(build, () => runBuild(build, request, effective, interruption, terminal), signal)
      const status = report(outcome, { ...effective, spec: build.spec }, { here: undefined, isLearned: false, answer: undefined }, interruption, terminal)
      if (status !== exitStatus.success || outcome.result === undefined) {
        tell(terminal, `build ${build.number} of ${verifying.builds.length} failed, so nothing is compared`)
        if (request.isJson) terminal.out(jsonLine({ build: build.number, ...describeOutcome(outcome) }))
        return status
      }
      results.push(outcome.result)
    }
    const verification = await verifying.compare(results, signal)
    if (page !== undefined) page.write((await import('../page/verification.ts')).pageOfVerification(verification, effective.command, packageVersion()))
    if (request.isJson) terminal.out(jsonLine({ verification }))
    tellVerification(verification, terminal)
    return verification.isReproducible ? exitStatus.success : exitStatus.differs
  } catch (error) {
    const stopped = interruption.status
    if (stopped === undefined) throw effective.located(error)
    const message = interruption.messageFor(undefined)
    if (message !== undefined) tell(terminal, message)
    if (request.isJson) terminal.out(jsonLine({ error: describeError(error) }))
    return stopped
  } finally {
    interruption.over()
    page?.close()
    await verifying?.over()
  }
}

/** As for one run: an earlier build may have left links in the outputs. */
function pageFile(file: string, { spec, located }: EffectiveSpec): RecordFile {
  try {
    refuseWithin(planOf(spec), '--page', file)
    return new RecordFile('--page', file)
  } catch (error) {
    throw located(error)
  }
}

async function runBuild({ spec, command }: BuildToRun, request: RunRequest, effective: EffectiveSpec, interruption: Interruption, terminal: Terminal): Promise<Outcome> {
  const varied: EffectiveSpec = { ...effective, spec, command }
  const streams = new RunStreams(request, varied, terminal)
  try {
    // The project of a verified build is a copy, so its changes are not reported.
    const { here: _, ...own } = request
    const outcome = await runOnce(own, varied, streams, interruption, undefined, terminal)
    return { ...outcome, result: outcome.result && Object.assign(outcome.result, { command: commandLine(effective.command) }) }
  } finally {
    streams.over(false)
  }
}

function headingOf({ number }: BuildToRun, { builds, varied }: Verifying): string {
  const which = `build ${number} of ${builds.length}`
  if (number === 1) return `${which}: as declared`
  return varied.length === 0 ? `${which}: the same again` : `${which}: with other ${varied.join(', ')}`
}

function tellVerification(verification: Verification, terminal: Terminal): void {
  const { isReproducible, builds, varied, notVaried, differences, compared, kept, diffoscope } = verification
  for (const { name, reason } of notVaried) tell(terminal, `not varied: ${name}: ${reason}`)
  if (isReproducible) {
    tell(terminal, `the same in ${builds.length === 2 ? 'both' : `all ${builds.length}`} builds: ${compared.entries} ${compared.entries === 1 ? 'entry' : 'entries'} of the outputs, ${bytes(compared.bytes)}`)
    return
  }
  for (const difference of differences) tellDifference(difference, terminal)
  if (diffoscope !== undefined) terminal.err(`${diffoscope.split(/([\n\t])/).map((part) => (part === '\n' || part === '\t' ? part : inOneLine(part))).join('')}\n`)
  tell(terminal, `${differences.length === 1 ? '1 difference' : `${differences.length} differences`} between builds; guesses may be wrong`)
  tell(terminal, kept === undefined ? 'to keep the outputs of each build: --keep DIR' : `the outputs of each build are kept in ${readable(kept)}`)
  if (varied.length > 1) tell(terminal, 'to find the cause: --only none varies nothing but time and chance, and --only NAME one thing')
}

function tellDifference({ path, kind, builds, values, offset, sizes, guess }: Difference, terminal: Terminal): void {
  const guessed = guess === undefined ? '' : `; a guess: ${guess}`
  const where = offset === undefined ? kind : `contents, from byte ${offset} on${sizes?.[0] === sizes?.[1] ? '' : `, and ${sizes?.[0]} bytes are ${sizes?.[1]}`}`
  tell(terminal, `differs: ${readable(path)}: ${where}${guessed}`)
  for (const index of [0, 1] as const) tell(terminal, `  build ${builds[index]}: ${values[index]}`)
}
