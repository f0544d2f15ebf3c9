import type { RecordedCommand, RunRecord, UsageSample } from '../recording/run-record.ts'

/** Readable bytes: 512 bytes, 1.5 KiB, 143 MiB. */
export function bytes(amount: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let unit = 0
  let left = amount
  while (left >= 1023.5 && unit < units.length - 1) {
    left /= 1024
    unit += 1
  }
  return `${unit === 0 ? Math.round(left) : digits(left)} ${units[unit]}`
}

/** Readable milliseconds: 7.7 µs, 4.51 ms, 1.23 s, 2 min 3 s. */
export function duration(ms: number): string {
  if (ms < 0.9995) return `${digits(ms * 1000)} µs`
  if (ms < 999.5) return `${digits(ms)} ms`
  if (ms < 59_950) return `${digits(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`
}

export function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (part / whole) * 100
  return percent > 0 && percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`
}

/** Three significant digits. */
export function digits(value: number): string {
  if (value >= 99.95) return String(Math.round(value))
  return String(Number(value.toFixed(value >= 9.995 ? 1 : 2)))
}

/** The largest sample. */
export function mostOf({ samples }: RunRecord, member: Exclude<keyof UsageSample, 'by' | 'atMs'>): number | undefined {
  const found = samples.map((sample) => sample[member]).filter((value) => value !== undefined)
  return found.length === 0 ? undefined : Math.max(...found)
}

export function mostMemory(record: RunRecord): number | undefined {
  return record.usage?.peakMemory ?? mostOf(record, 'memory')
}

/**
 * Milliseconds. The usage of a session without an account of its own misses processes that have ended. The system reports those of commands, so the larger
 * number counts.
 */
export function processorTime(record: RunRecord): number | undefined {
  const ofCommands = record.commands.flatMap(({ end }) => (end?.usage === undefined ? [] : [(end.usage.userUs + end.usage.systemUs) / 1000]))
  const found = [record.usage?.cpuTime, mostOf(record, 'cpuTime'), ofCommands.length === 0 ? undefined : ofCommands.reduce((sum, ms) => sum + ms, 0)].filter((ms) => ms !== undefined)
  return found.length === 0 ? undefined : Math.max(...found)
}

export interface Verdict {
  readonly isGood: boolean
  readonly words: string
}

export function verdictOf({ end }: RecordedCommand): Verdict {
  if (end === undefined) return { isGood: false, words: 'was still running when its session closed' }
  if (end.error !== undefined) return { isGood: false, words: `could not be started: ${end.error.message}` }
  if (end.timedOut) return { isGood: false, words: 'timed out' }
  if (end.isCanceled) return { isGood: false, words: 'was stopped' }
  if (end.limit !== undefined) return { isGood: false, words: `reached its limit of ${end.limit}` }
  if (end.signal !== undefined) return { isGood: false, words: `was ended by ${end.signal}` }
  if (end.exitCode === 0) return { isGood: true, words: 'succeeded' }
  return { isGood: false, words: `failed with exit status ${end.exitCode ?? 'unknown'}` }
}

/** The verdict on the whole run. */
export function verdictOfRun({ commands, errors }: RunRecord): Verdict {
  const [first, ...more] = commands
  if (errors.length > 0) return { isGood: false, words: 'something went wrong with the session' }
  if (first === undefined) return { isGood: false, words: 'no command was run' }
  if (more.length === 0) return verdictOf(first)
  const failed = commands.filter((command) => !verdictOf(command).isGood).length
  return failed === 0 ? { isGood: true, words: `${commands.length} commands succeeded` } : { isGood: false, words: `${failed} of ${commands.length} commands failed` }
}
