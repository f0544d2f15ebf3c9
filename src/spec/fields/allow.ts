import { invalid, readList } from '../check.ts'
import { joinedSets, type Field } from '../field.ts'
import { readable } from '../messages.ts'

export interface WithAllow {
  /**
   * What the build needs although the system call filter of a session on Linux refuses it. Default: nothing. Each name opens more of the kernel to the build,
   * and some open a way around the session (docs/security.md, "What a spec can allow"). A session on FreeBSD refuses none of it, so there a name changes
   * nothing.
   *
   * - `user-namespaces`: namespaces of its own, and mounts in them, as rootless containers and sandboxes make them. This lets through openat2(2), by which a
   *   build can set the bits of `set-id`, and mounts of /proc, which show what the session's own /proc hides
   * - `io_uring`: io_uring(7). The filter does not see its calls, so it allows `sockets`, `set-id` and `attributes` as well
   * - `keyring`: keyrings(7). A session has a session keyring of its own; the keyrings of a user are the host's
   * - `perf`: perf_event_open(2)
   * - `bpf`: bpf(2)
   * - `userfaultfd`: userfaultfd(2)
   * - `sockets`: every family and protocol of socket(2), such as AF_VSOCK, AF_ALG, AF_PACKET and MPTCP, and groups of multicast
   * - `set-id`: set-uid bits, and set-gid bits of files. A folder may have a set-gid bit without it
   * - `attributes`: extended attributes, ACLs, flags (chattr(1)) and encryption of files
   * - `aio`: io_setup(2) and with it io_submit(2), as databases use them
   */
  readonly allow?: readonly Allowance[]
}

export type Allowance = (typeof names)[number]

const names = ['user-namespaces', 'io_uring', 'keyring', 'perf', 'bpf', 'userfaultfd', 'sockets', 'set-id', 'attributes', 'aio'] as const

const isName = (given: unknown): given is Allowance => names.some((name) => name === given)

export const allow: Field<readonly Allowance[], false> = {
  read: (given, entry) => checked(readList(given, entry, 'a list of names'), (index) => `${entry}[${index}]`),
  plan: ({ settled }, value = []) => {
    settled.allow = Object.freeze(names.filter((name) => value.includes(name)))
  },
  isAddable: false,
  facts: (plan) => [['allow', plan.allow.length === 0 ? '-' : plan.allow.join(' ')]],
  flag: {
    name: 'allow',
    value: 'NAME',
    help: 'allow system calls that a session on Linux refuses, such as io_uring or keyring; repeatable',
    isRepeatable: true,
    offers: { words: names },
    read: (texts, option) => checked(texts, () => option),
    join: joinedSets,
  },
  schema: {
    type: 'array',
    items: { enum: [...names] },
    uniqueItems: true,
    default: [],
    description: 'What a build needs of that which the filter on system calls refuses on Linux.',
  },
}

function checked(given: readonly unknown[], entryOf: (index: number) => string): readonly Allowance[] {
  return given.map((name, index) => {
    if (!isName(name)) throw invalid(entryOf(index), `must be one of ${names.join(', ')}${typeof name === 'string' ? `, and not ${readable(name)}` : ''}`)
    if (given.indexOf(name) !== index) throw invalid(entryOf(index), `names ${name} twice`)
    return name
  })
}
