import { SpecError } from '../errors.ts'
import { invalid } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import type { JsonSchema } from '../spec/field.ts'
import type { CredentialsRecord, IdRangeRecord, LimitRecord, MountRecord, OutputRecord, SessionUsage } from '../native/record.ts'
import { limitNames } from '../spec/fields/limits.ts'
import type { Identity, PlanLimits } from '../spec/plan-types.ts'
import {
  recordFormat,
  type StdioPiece,
  type RecordedCommand,
  type RecordedDestination,
  type RecordedEnd,
  type RecordedError,
  type RecordedHint,
  type RecordedKernel,
  type RecordedMount,
  type RecordedNetwork,
  type RecordedOutput,
  type RecordedProcess,
  type RecordedRefusal,
  type RecordedStdio,
  type RecordedPlan,
  type RecordedStep,
  type RecordedVariable,
  type RunRecord,
  type UsageSample,
} from './run-record.ts'
import type { RecordedFiles, RecordedPaths, RecordedProgram, RecordedUse } from './seen-files.ts'
import type { RecordedTracedProcess } from './traced-processes.ts'
import { amount, listOf, mapOf, oneOf, optional, pairOf, shape, shapeOf, text, yesOrNo, type Shape } from './shape.ts'

const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const usage = {
  cpuTime: optional(amount),
  memory: optional(amount),
  peakMemory: optional(amount),
  swap: optional(amount),
  processes: optional(amount),
  peakProcesses: optional(amount),
  bytesRead: optional(amount),
  bytesWritten: optional(amount),
  by: optional(text),
} as const

type PlannedLimit = Exclude<keyof PlanLimits, 'policy'>
const optionalLimits = Object.fromEntries(limitNames.map((name) => [name, optional(amount)])) as Record<PlannedLimit, Shape<number | undefined>>
const limits = shapeOf<PlanLimits>({ ...optionalLimits, policy: oneOf('strict', 'best-effort') })

const plan = shapeOf<RecordedPlan>({
  facts: listOf(pairOf(text, text)),
  mounts: listOf(
    shapeOf<RecordedMount>({
      kind: text,
      target: text,
      source: optional(text),
      writable: yesOrNo,
      size: optional(amount),
      files: optional(amount),
      entry: text,
    }),
  ),
  links: listOf(shapeOf<RecordedPlan['links'][number]>({ path: text, target: text })),
  files: listOf(shapeOf<RecordedPlan['files'][number]>({ path: text, bytes: amount, entry: text })),
  devices: listOf(shapeOf<RecordedPlan['devices'][number]>({ path: text, kind: text, entry: text })),
  env: listOf(shapeOf<RecordedVariable>({ name: text, value: optional(text) })),
  limits,
  warnings: listOf(shapeOf<RecordedPlan['warnings'][number]>({ entry: text, problem: text })),
  leftOut: listOf(shapeOf<RecordedPlan['leftOut'][number]>({ entry: text, path: text })),
})

const jailValue = shape({ anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'array', items: { type: 'string' } }] }, (given, at): string | number | boolean | readonly string[] => {
  if (Array.isArray(given)) return listOf(text)(given, at)
  if (typeof given === 'string' || typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given))) return given
  throw invalid(at, 'must be a text, a number, true, false or a list of texts')
})

const idRanges = listOf(shapeOf<IdRangeRecord>({ inside: amount, outside: amount, count: amount }))

const kernel = shapeOf<RecordedKernel>({
  id: text,
  root: text,
  jail: optional(mapOf(jailValue)),
  mounts: listOf(shapeOf<MountRecord>({ type: text, from: text, on: text, fsid: text, flags: listOf(text) })),
  outputs: optional(listOf(shapeOf<OutputRecord>({ path: text, owned: oneOf('at-once', 'at-close', 'as-built') }))),
  namespaces: optional(mapOf(amount)),
  hostNamespaces: optional(mapOf(amount)),
  ids: optional(shapeOf<NonNullable<RecordedKernel['ids']>>({ users: idRanges, groups: idRanges })),
  user: optional(shapeOf<NonNullable<RecordedKernel['user']>>({ uid: amount, gid: amount, groups: listOf(amount) })),
  process: optional(
    shapeOf<CredentialsRecord>({
      pid: amount,
      uid: amount,
      realUid: amount,
      savedUid: amount,
      gid: amount,
      realGid: amount,
      savedGid: amount,
      groups: listOf(amount),
      jid: optional(amount),
      systemCallFilters: optional(amount),
    }),
  ),
  limits: listOf(shapeOf<LimitRecord>({ limit: text, value: amount, by: text })),
})

const error = shapeOf<RecordedError>({ code: optional(text), message: text })
const piece = shapeOf<StdioPiece>({ atMs: amount, stream: oneOf('stdout', 'stderr'), text })

const command = shapeOf<RecordedCommand>({
  argv: listOf(text),
  cwd: text,
  beganMs: amount,
  end: optional(
    shapeOf<RecordedEnd>({
      durationMs: amount,
      exitCode: optional(amount),
      signal: optional(text),
      limit: optional(text),
      timedOut: yesOrNo,
      isCanceled: yesOrNo,
      usage: optional(shapeOf<NonNullable<RecordedEnd['usage']>>({ userUs: amount, systemUs: amount, maxRssBytes: amount })),
      error: optional(error),
    }),
  ),
  stdio: shapeOf<RecordedStdio>({ stdout: amount, stderr: amount, head: listOf(piece), leftOut: amount, tail: listOf(piece) }),
  hints: optional(listOf(shapeOf<RecordedHint>({ problem: text, remedy: text }))),
})

const network = shapeOf<RecordedNetwork>({
  destinations: listOf(shapeOf<RecordedDestination>({ name: text, port: amount, connections: amount, sent: amount, received: amount, outcomes: mapOf(amount) })),
  refused: listOf(shapeOf<RecordedRefusal>({ name: text, count: amount })),
  leftOut: optional(amount),
})

const paths = shapeOf<RecordedPaths>({ paths: listOf(text), leftOut: optional(amount) })

const files = shapeOf<RecordedFiles>({
  entries: listOf(
    shapeOf<RecordedUse>({
      entry: text,
      kind: text,
      target: text,
      source: optional(text),
      identity: optional(shapeOf<Identity>({ dev: text, ino: text })),
      read: paths,
      executed: paths,
      listed: paths,
      looked: paths,
      missing: paths,
      refused: paths,
      written: paths,
    }),
  ),
  unused: listOf(text),
  links: optional(listOf(shapeOf<RecordedPlan['links'][number]>({ path: text, target: text }))),
  lost: amount,
})

const time = shape({ type: 'string', pattern: timePattern.source }, (given, at): string => {
  const found = text(given, at)
  if (!timePattern.test(found) || Number.isNaN(Date.parse(found))) throw invalid(at, 'must be a time as 2026-01-31T12:00:00.000Z')
  return found
})

const record = shapeOf<RunRecord>({
  format: oneOf(recordFormat),
  version: oneOf(1),
  buildjail: text,
  system: shapeOf<RunRecord['system']>({ platform: text, release: text, arch: text }),
  startedAt: time,
  openedMs: amount,
  closingMs: amount,
  closedMs: amount,
  id: text,
  plan,
  kernel: optional(kernel),
  steps: listOf(shapeOf<RecordedStep>({ phase: oneOf('open', 'close'), step: text, path: optional(text), ns: amount })),
  commands: listOf(command),
  usage: optional(shapeOf<SessionUsage>(usage)),
  samples: listOf(shapeOf<UsageSample>({ atMs: amount, ...usage })),
  processes: optional(listOf(shapeOf<RecordedProcess>({ pid: amount, parent: amount, program: text, beganMs: amount, lastSeenMs: amount, cpuTime: amount, mostMemory: amount }))),
  processesLeftOut: optional(amount),
  files: optional(files),
  programs: optional(listOf(shapeOf<RecordedProgram>({ path: text, argv0: text, processes: amount, startedBy: listOf(text) }))),
  tracedProcesses: optional(listOf(shapeOf<RecordedTracedProcess>({ pid: amount, parent: amount, program: optional(amount), beganMs: amount, endedMs: optional(amount) }))),
  tracedProcessesLeftOut: optional(amount),
  network: optional(network),
  outputs: optional(listOf(shapeOf<RecordedOutput>({ path: text, files: amount, bytes: amount }))),
  filled: listOf(shapeOf<RunRecord['filled'][number]>({ target: text, used: amount, size: amount })),
  nearLimits: listOf(shapeOf<RunRecord['nearLimits'][number]>({ atMs: amount, limit: text, used: amount, most: amount })),
  leftInOutputs: listOf(shapeOf<RunRecord['leftInOutputs'][number]>({ path: text, what: text })),
  kept: optional(text),
  errors: listOf(error),
})

/** The JSON Schema of a record. Published as `buildjail/record.schema.json`. */
export const recordSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'buildjail run record',
  description: 'A run as buildjail run --record writes it. Later versions of the package add members; a member that changes its meaning or goes changes version.',
  ...record.schema,
}

/**
 * Reads the JSON of a record, from any source: unknown members are left out, and a missing member or one of another shape is refused.
 * @param name of the file, for the error
 * @throws SpecError naming the file and the member
 */
export function readRecord(json: string, name: string): RunRecord {
  let given: unknown
  try {
    given = JSON.parse(json)
  } catch (failure) {
    // Its message quotes the text, which may steer a terminal.
    throw invalid(readable(name), 'is not JSON', failure)
  }
  return checkedRecord(given, name)
}

/**
 * The same for a record that was read.
 * @throws SpecError naming it by `name`, and the member
 */
export function checkedRecord(given: unknown, name: string): RunRecord {
  try {
    return record(given, '')
  } catch (refusal) {
    if (!(refusal instanceof SpecError)) throw refusal
    throw invalid(readable(name), `is not a record of version 1: ${refusal.message}`, refusal)
  }
}
