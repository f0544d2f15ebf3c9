import path from 'node:path'

import { commandLine } from '../command/command.ts'
import { failureOf } from '../command/command-error.ts'
import { keptText, leftText, type Kept, type Result } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import type { Running } from '../command/running.ts'
import type { Applied, LeftInOutput, SessionStep } from '../native/record.ts'
import { filesOf, programsOf } from '../recording/seen-files.ts'
import type { RunRecord } from '../recording/run-record.ts'
import type { Changes } from '../session/changes.ts'
import { hintInWords, hintsOf, type Hint } from '../command/hints.ts'
import { openSession, type Session } from '../session/session.ts'
import { partsOf } from '../spec/fields/env.ts'
import type { LimitName } from '../spec/fields/limits.ts'
import { isThrownAway, projectIn } from '../spec/outputs.ts'
import { copyWarnings } from '../spec/warnings.ts'
import type { RunRequest } from './command-line.ts'
import { exitStatus, statusOf, statusOfRefusal } from './exit-status.ts'
import { isWithin } from '../spec/paths.ts'
import { optionWords } from './option-words.ts'
import { goesOn, Interruption, suspendTogether } from './signals.ts'
import { describeError, jsonLine, tell } from './report.ts'
import type { Terminal } from './terminal.ts'
import type { Learning } from './learning.ts'
import { lookedUpText } from './looked-up.ts'
import type { RunReport } from './run-report.ts'
import { RunStreams } from './run-streams.ts'
import { notShownText, thrownAwayText } from './thrown-away.ts'
import { effectiveSpec, type EffectiveSpec } from './effective-spec.ts'

type Seen = Required<Pick<RunRecord, 'files' | 'programs'>>

/** The outcome of one run. */
export interface Outcome {
  /** Undefined when the command never ran. */
  readonly result: Result | undefined
  readonly steps: readonly SessionStep[]
  readonly leftInOutputs: readonly LeftInOutput[]
  readonly kept: Kept | undefined
  readonly changes: readonly Changes[]
  /** Whether the project is a copy, whose changes cannot be applied. */
  readonly isCopied: boolean
  /** The changes that were applied to the project. Changes whose applying began are not in `changes`. */
  readonly applied: Applied | undefined
  /** The paths looked up in a session with a trace, unless a file is written that has them. */
  readonly seen: Seen | undefined
  /** In words of the command line. */
  readonly hints: readonly Hint[]
  /** All errors, in order. There may be a result as well. */
  readonly errors: readonly unknown[]
}

/** `buildjail run`: one command in a session of its own. Returns the exit status. */
export async function runVerb(request: RunRequest, terminal: Terminal): Promise<number> {
  for (const name of partsOf(request.spec.env ?? {}).pass) if (process.env[name] === undefined) tell(terminal, `--env ${name}: it is not set here, so nothing is passed on`)
  // Loaded only for --verify.
  if (request.verify !== undefined) return await (await import('./verify-verb.ts')).verifyVerb(request, request.verify, terminal)
  const effective = await effectiveSpec(request)
  const written = await writingOf(request, effective, terminal)
  // Loaded only for --events.
  const { EventLines, lastEvent } = request.hasEvents === true ? await import('./event-lines.ts') : {}
  const events = EventLines === undefined ? undefined : new EventLines(terminal)
  const streams = new RunStreams(request, effective, terminal)
  const interruption = new Interruption(() => {
    streams.clear()
    tell(terminal, goesOn)
  })
  try {
    return report(await runOnce(request, effective, streams, interruption, written, terminal), effective, { here: request.here, isLearned: request.learned !== undefined, answer: answerOf(request.isJson, lastEvent) }, interruption, terminal)
  } finally {
    interruption.over()
    streams.over(false)
    written?.close()
    events?.over()
  }
}

/** The messages at the end. */
export interface Told {
  readonly here: RunRequest['here']
  /** The options of run are not those of learn. */
  readonly isLearned: boolean
  readonly answer: ReturnType<typeof answerOf>
}

/** The answer for programs at the end. Undefined: none. */
function answerOf(isJson: boolean, lastEvent: ((answer: object) => object) | undefined): ((outcome: Outcome) => object) | undefined {
  if (!isJson) return undefined
  return lastEvent === undefined ? describeOutcome : (outcome) => lastEvent(describeOutcome(outcome))
}

/** Loaded only for --record and --page, and for learn. */
async function writingOf(request: RunRequest, effective: EffectiveSpec, terminal: Terminal): Promise<RunReport | Learning | undefined> {
  try {
    if (request.learned !== undefined) return new (await import('./learning.ts')).Learning(request.learned, request.here ?? {}, effective, terminal)
    if (request.record === undefined && request.page === undefined) return undefined
    return new (await import('./run-report.ts')).RunReport(request, effective.spec)
  } catch (error) {
    throw effective.located(error)
  }
}

export async function runOnce({ here, isJson, apply }: RunRequest, effective: EffectiveSpec, streams: RunStreams, interruption: Interruption, written: RunReport | Learning | undefined, terminal: Terminal): Promise<Outcome> {
  const errors: unknown[] = []
  const attempt = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act()
    } catch (error) {
      errors.push(effective.located(error))
      return undefined
    }
  }
  const session = await attempt(() => openSession(written?.plan ?? effective.spec, { signal: interruption.signal, onCopying: (copied) => streams.copying(copied) }))
  if (session === undefined) {
    streams.over(false)
    return { result: undefined, steps: [], leftInOutputs: [], kept: undefined, changes: [], isCopied: false, applied: undefined, seen: undefined, hints: [], errors }
  }
  // Loaded only for --apply.
  const applying = apply === undefined ? undefined : new (await import('./apply.ts')).Applying(apply, session, terminal)
  streams.opened(session)
  for (const { problem } of copyWarnings(session.plan.mounts)) {
    streams.clear()
    tell(terminal, problem)
  }
  written?.begin(session)
  const result = await attempt(() => {
    applying?.check()
    const running = session.run(effective.command, { ...streams.options, ...runOptions(effective, interruption.signal) }) as Running
    streams.begun(running)
    return attended(session, running, interruption)
  })
  const hints = result === undefined ? [] : [...misplaced(result, here, effective), ...hintsFor(result, session, effective, streams)]
  streams.ended()
  if (written !== undefined) await attempt(() => written.look())
  const isToBeTold = (here !== undefined || isJson) && session.plan.mounts.some(isThrownAway)
  const changed = (isToBeTold && result !== undefined ? await attempt(() => session.changes()) : undefined) ?? []
  const applied = result === undefined ? undefined : await attempt(async () => await applying?.end(result, changed, interruption.signal))
  const changes = changed.filter(({ target }) => target !== applying?.begun)
  await attempt(() => session.close())
  if (written !== undefined) await attempt(() => written.write(errors, result, changed))
  const seen = (isJson || written === undefined) && session.plan.trace ? await attempt(() => seenIn(session)) : undefined
  streams.over(result?.failed !== false)
  return { result, steps: session.steps, leftInOutputs: session.leftInOutputs, kept: session.kept, changes, isCopied: projectIn(session.plan)?.kind === 'copy', applied, seen, hints, errors }
}

/** Complete once the session is closed. */
async function seenIn(session: Session): Promise<Seen> {
  const trace = await session.trace()
  return { files: filesOf(trace, session.plan), programs: programsOf(trace) }
}

/** Looked for while the session is open. */
function hintsFor(result: Result, session: Session, { command: argv }: EffectiveSpec, { output }: RunStreams): readonly Hint[] {
  if (!result.failed || result.isCanceled) return []
  const { plan } = session
  const hints = output === undefined ? result.hints : hintsOf({ argv, cwd: plan.cwd, plan, output, troubles: session.networkTroubles(0) })
  return hints.map((hint) => hintInWords(hint, optionWords))
}

/** An option after the command is the command's. */
function misplaced({ failed }: Result, here: RunRequest['here'], { command }: EffectiveSpec): readonly Hint[] {
  if (!failed || here !== undefined || !command.includes('--here')) return []
  return [{ problem: '--here stands after the command, and so the command got it', remedy: `buildjail run --here ${commandLine(command.filter((word) => word !== '--here'))}` }]
}

async function attended(session: Session, running: Running, interruption: Interruption): Promise<Result> {
  interruption.hasBegun({
    interrupt: () => running.kill('SIGINT'),
    // Closing reports the reason if this fails.
    endAtOnce: () => void session.killAll().catch(() => {}),
  })
  const leave = suspendTogether((name) => running.kill(name))
  try {
    return await running
  } finally {
    leave()
  }
}

function runOptions({ timeout }: EffectiveSpec, signal: AbortSignal): RunOptions {
  return { ...(timeout === undefined ? {} : { timeout }), signal, reject: false }
}

/** Prints the messages about a run, and returns the exit status. */
export function report(outcome: Outcome, { spec, timeout, isOption }: EffectiveSpec, { here, isLearned, answer }: Told, interruption: Interruption, terminal: Terminal): number {
  const { result, errors, leftInOutputs, kept, changes, isCopied, applied, seen, hints } = outcome
  for (const error of errors) tell(terminal, error)
  for (const one of leftInOutputs) tell(terminal, leftText(one))
  if (kept !== undefined) tell(terminal, keptText(kept))
  for (const one of here === undefined ? [] : changes) {
    const cwd = spec.cwd ?? '/'
    // The line names paths in the project, and --out takes them from the current folder.
    const folder = path.join(path.relative(cwd, one.target), 'FOLDER')
    const text = thrownAwayText(one, !isLearned && isWithin(cwd, one.target) ? `--out ${folder} keeps one${isCopied ? '' : ', --apply all'}` : undefined)
    if (text !== undefined) tell(terminal, text)
  }
  const notShown = here === undefined || result?.failed !== true || result.isCanceled ? undefined : notShownText(spec, here)
  if (notShown !== undefined) tell(terminal, notShown)
  if (seen !== undefined && answer === undefined) tell(terminal, lookedUpText(seen.files))
  const stopped = interruption.messageFor(result?.signal) ?? endingMessage(outcome, timeout, (limit) => (isOption(`limits.${limit}`) && spec.limits?.[limit] !== undefined ? optionWords({ limits: { [limit]: spec.limits[limit] } }) : `limits.${limit}`))
  if (stopped !== undefined && !errors.includes(interruption.signal.reason)) tell(terminal, stopped)
  for (const { problem, remedy } of hints) tell(terminal, `hint: ${problem}; ${remedy}`)
  if (answer !== undefined) terminal.out(jsonLine(answer(outcome)))
  if (interruption.status !== undefined) return interruption.status
  if (result === undefined) return statusOfRefusal(errors[0])
  const status = statusOf(result)
  const isWhole = errors.length === 0 && (applied === undefined || applied.left.length === 0)
  return status === exitStatus.success && !isWhole ? exitStatus.ownFailure : status
}

/** For a command that buildjail or a limit ended. */
function endingMessage({ result }: Outcome, timeout: number | undefined, nameOf: (limit: LimitName) => string): string | undefined {
  if (result === undefined || !(result.timedOut || result.isMaxBuffer || result.limit !== undefined)) return undefined
  return `${result.command}: ${failureOf(result, { ...(timeout !== undefined && { timeout }) }, nameOf)}`
}

export function describeOutcome({ result, steps, leftInOutputs, kept, changes, applied, seen, hints, errors }: Outcome): object {
  const error = errors.length === 0 ? {} : { error: describeError(errors[0]) }
  return result === undefined ? error : { result: { ...result, leftInOutputs, kept, changes, applied, hints }, ...seen, steps, ...error }
}
