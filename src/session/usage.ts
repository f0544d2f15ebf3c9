/**
 * What all processes of a session have taken together, those that have ended as well. A member is missing where the system does not account
 * it, or not for this session: one that has no limit on Linux has no cgroup, and then it is what /proc tells of its processes.
 */
export interface SessionUsage {
  /** User and system time, in milliseconds. */
  readonly cpuTime?: number
  /** Bytes, now. */
  readonly memory?: number
  /** Bytes, at most so far. */
  readonly peakMemory?: number
  /** Bytes, now. */
  readonly swap?: number
  /** Now, threads as well where the system counts those. */
  readonly processes?: number
  /** At most at a time so far. */
  readonly peakProcesses?: number
  /** From devices; what the system has in memory is not read from there. */
  readonly bytesRead?: number
  /** To devices. */
  readonly bytesWritten?: number
  /** What accounts: `cgroup v2`, `cgroup v1`, `/proc` or `rctl`. Missing where nothing does. */
  readonly by?: string
}
