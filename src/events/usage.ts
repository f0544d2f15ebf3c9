/** Resources a command used, its waited-for children included (wait4(2), getrusage(2)). */
export interface Usage {
  readonly userUs: number
  readonly systemUs: number
  /**
   * As getrusage(2) counts it. Up to execve(2) the child shares the memory of the process that launches it, and is charged
   * for it, so that this can be the size of that process where the command itself is smaller.
   */
  readonly maxRssBytes: number
}
