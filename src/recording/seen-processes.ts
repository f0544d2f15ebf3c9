import type { SessionProcess } from '../native/record.ts'
import type { RecordedProcess } from './run-record.ts'

/** A build decides how many there are. */
const mostProcesses = 1000
/** Two processes of one number that began so far apart, in milliseconds, are not the same one. */
const apart = 500

type Seen = { -readonly [Member in keyof RecordedProcess]: RecordedProcess[Member] }

/** The processes of a session, as each look at it finds them. One that begins and ends between two looks is not among them. */
export class SeenProcesses {
  readonly #all: Seen[] = []
  /** The youngest of each number. */
  readonly #byPid = new Map<number, Seen>()
  #leftOut = 0

  get all(): readonly RecordedProcess[] {
    return this.#all
  }

  /** How many more there were. */
  get leftOut(): number {
    return this.#leftOut
  }

  /** @param atMs when they were looked at */
  look(atMs: number, running: readonly SessionProcess[]): void {
    for (const { pid, parent, program, ageMs, cpuTime, memory } of running) {
      const beganMs = Math.max(atMs - ageMs, 0)
      const known = this.#byPid.get(pid)
      if (known !== undefined && Math.abs(known.beganMs - beganMs) < apart) {
        // It may have executed another program (execve(2)).
        Object.assign(known, { program, lastSeenMs: atMs, cpuTime, mostMemory: Math.max(known.mostMemory, memory) })
      } else if (this.#all.length < mostProcesses) {
        const seen: Seen = { pid, parent, program, beganMs, lastSeenMs: atMs, cpuTime, mostMemory: memory }
        this.#all.push(seen)
        this.#byPid.set(pid, seen)
      } else {
        this.#leftOut += 1
      }
    }
  }
}
