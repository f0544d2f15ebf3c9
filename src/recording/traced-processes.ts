import type { Trace } from '../native/trace.ts'

/** A process of a session with `trace`, however short it was. */
export interface RecordedTracedProcess {
  /** In the host's numbering. A number may be reused. */
  readonly pid: number
  readonly parent: number
  /** The last program that it executed: an index of `programs`. Absent if it is not known. */
  readonly program?: number
  /** When it first looked something up. FreeBSD: when it began. */
  readonly beganMs: number
  /** FreeBSD only. Absent if its end was not seen. */
  readonly endedMs?: number
}

export interface TracedProcesses {
  readonly tracedProcesses: readonly RecordedTracedProcess[]
  /** How many more there were. Absent if there were no more. */
  readonly tracedProcessesLeftOut?: number
}

/** A build decides how many processes there are, and a page shows all in the list. */
const mostProcesses = 5000

/**
 * The processes of a trace, with times from when its run began.
 * @param startedAt that time, in milliseconds since 1970
 */
export function tracedProcessesOf({ processes, processesLeftOut }: Trace, startedAt: number, most: number = mostProcesses): TracedProcesses {
  // The clock can have been set meanwhile (clock_settime(2)).
  const since = (at: number): number => Math.max(at - startedAt, 0)
  const kept = processes.slice(0, most)
  const leftOut = processes.length - kept.length + processesLeftOut
  return {
    tracedProcesses: kept.map(({ pid, parent, program, beganAt, endedAt }) => ({
      pid,
      parent,
      ...(program !== undefined && { program }),
      beganMs: since(beganAt),
      ...(endedAt !== undefined && { endedMs: since(endedAt) }),
    })),
    ...(leftOut > 0 && { tracedProcessesLeftOut: leftOut }),
  }
}
