import type { RunRecord, UsageSample } from '../recording/run-record.ts'

/** The most that was seen at a look. */
export function mostOf({ samples }: RunRecord, member: Exclude<keyof UsageSample, 'by' | 'atMs'>): number | undefined {
  const found = samples.map((sample) => sample[member]).filter((value) => value !== undefined)
  return found.length === 0 ? undefined : Math.max(...found)
}

export function mostMemory(record: RunRecord): number | undefined {
  return record.usage?.peakMemory ?? mostOf(record, 'memory')
}

/**
 * Milliseconds. Where a session has no account of its own, processes that have ended are not counted in what it uses, but the system tells it of the
 * commands.
 */
export function processorTime(record: RunRecord): number | undefined {
  const ofCommands = record.commands.flatMap(({ end }) => (end?.usage === undefined ? [] : [(end.usage.userUs + end.usage.systemUs) / 1000]))
  const found = [record.usage?.cpuTime, mostOf(record, 'cpuTime'), ofCommands.length === 0 ? undefined : ofCommands.reduce((sum, ms) => sum + ms, 0)].filter((ms) => ms !== undefined)
  return found.length === 0 ? undefined : Math.max(...found)
}
