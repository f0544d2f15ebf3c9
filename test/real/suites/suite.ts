import type { Reader } from './outcomes.ts'

/** As process.platform has it. */
export type System = 'linux' | 'freebsd'

/** The tests of released software, which are run outside of a session and inside one. */
export interface Suite {
  readonly name: string
  /** Which of its tests are run, for the page. */
  readonly tests: string
  readonly on: readonly System[]
  /** Programs that it wants of its host. */
  readonly needs: readonly string[]
  /** Other files that it wants of its host, and Debian's package that has them. */
  readonly files?: Readonly<Record<string, string>>
  /** A folder that scripts/test-real.mjs has fetched. Without it the tests are where Debian installs them. */
  readonly sources?: string
  /** A folder of `projects` beside them. */
  readonly project?: string
  /** A line of sh(1) that says which version it is. */
  readonly version: string
  /** A line of sh(1) that builds it, in a copy of the sources, and has to end with 0. */
  readonly build?: string
  /** A line of sh(1) that runs the tests and writes what `read` reads to the file `results`. Tests may fail, so its exit code says nothing. */
  readonly run: string
  readonly read: Reader
  /** It says nothing if it has fewer tests than this: then something else is wrong. */
  readonly atLeast: number
}
