import { invalid } from '../check.ts'
import type { Field } from '../field.ts'

export interface WithTrace {
  /**
   * Whether each path that a process of the session looks up is recorded (`Session.trace`). This slows the build down: on Linux each call with a path waits for
   * this program, on FreeBSD each call until it is recorded. Default: false. On Linux it cannot be combined with `allow: ['io_uring']`, because nothing sees
   * the file operations of io_uring.
   */
  readonly trace?: boolean
}

export const trace: Field<boolean, false> = {
  read: (given, entry) => {
    if (typeof given !== 'boolean') throw invalid(entry, 'must be true or false')
    return given
  },
  plan: ({ settled, platform }, value = false) => {
    // Earlier in the list of fields.
    if (value && platform === 'linux' && settled.allow.includes('io_uring')) {
      throw invalid('trace', "cannot be had with 'io_uring' in allow, because no filter sees the files that io_uring(7) opens")
    }
    settled.trace = value
  },
  isAddable: false,
  facts: (plan) => (plan.trace ? [['trace', 'each path that is looked up']] : []),
  flag: {
    name: 'trace',
    value: undefined,
    help: 'record each path that is looked up, by which program, and what was found; for --record, --page and --json',
    isRepeatable: false,
    offers: {},
    read: () => true,
  },
  schema: { type: 'boolean', default: false, description: 'Whether each path that is looked up is recorded.' },
}
