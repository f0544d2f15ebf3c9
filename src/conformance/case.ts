import type { Context } from './context.ts'

/** What a case has seen, or should: JSON. */
export type Seen = string | number | boolean | null | readonly Seen[] | { readonly [name: string]: Seen }

/** What differs between releases, the first line that fits: of kernels from that osreldate on (getosreldate(3)); the last one is of all. */
export class ByRelease {
  readonly lines: readonly { readonly from: number; readonly is: Seen }[]

  constructor(lines: readonly { readonly from: number; readonly is: Seen }[]) {
    this.lines = lines
  }

  of(osreldate: number): Seen {
    return this.lines.find(({ from }) => osreldate >= from)?.is ?? null
  }
}

/** What a kernel has to have for a case: a feature of `kernel()`, or a parameter of jails. */
export type Need = 'jailDescriptors' | 'jailMetadata' | 'vnet' | 'rctl' | 'nullfsFiles' | `parameter ${string}` | `file system ${string}` | 'two processors'

/** The kernel does not do what its manual page says, we know it, and this is why. */
export interface Deviation {
  readonly seen: Seen
  readonly because: string
  /** Where the kernel does it. */
  readonly cites: readonly string[]
}

/** One documented behaviour of the kernel. */
export interface Case {
  /** `group/name`; it stays when the title changes. */
  readonly id: string
  readonly title: string
  /** Where it is documented: a manual page with its section, or `file:function` of the kernel's source. */
  readonly cites: readonly string[]
  readonly expected: Seen | ByRelease
  /** Listed, where the kernel is known to do something else. */
  readonly deviation?: Deviation
  readonly needs: readonly Need[]
  /** Does it, and gives what it saw. */
  readonly run: (context: Context) => Seen | Promise<Seen>
}

export interface Group {
  readonly name: string
  readonly title: string
  readonly cases: readonly Case[]
}

/** What a case may have beside the rest. */
interface More {
  readonly needs?: readonly Need[]
  readonly deviation?: Deviation
}

/** A case without its group. */
export type Entry = Omit<Case, 'id'> & { readonly name: string }

/** A call that the kernel refuses: `EINVAL`, or with its explanation `EINVAL: missing desc`; `done` where it does not. */
export function refuses(name: string, title: string, expected: string | ByRelease, cites: readonly string[], call: (context: Context) => unknown, more: More = {}): Entry {
  return { name, title, expected, cites, needs: [], ...more, run: (context) => context.refusal(() => call(context)) }
}

/** Something that can be looked at. */
export function shows(name: string, title: string, expected: Seen | ByRelease, cites: readonly string[], run: Case['run'], more: More = {}): Entry {
  return { name, title, expected, cites, needs: [], ...more, run }
}

/** @param needs of all its cases */
export function group(name: string, title: string, entries: readonly Entry[], needs: readonly Need[] = []): Group {
  return { name, title, cases: entries.map(({ name: own, ...entry }) => ({ ...entry, id: `${name}/${own}`, needs: [...needs, ...entry.needs] })) }
}

/** The source files that cases cite, below the kernel's. */
export const source = {
  set: 'sys/kern/kern_jail.c:kern_jail_set',
  get: 'sys/kern/kern_jail.c:kern_jail_get',
  nmount: 'sys/kern/vfs_mount.c:vfs_donmount',
  mount: 'sys/kern/vfs_mount.c:vfs_domount',
  first: 'sys/kern/vfs_mount.c:vfs_domount_first',
  unmount: 'sys/kern/vfs_mount.c:kern_unmount',
  nullfs: 'sys/fs/nullfs/null_vfsops.c:nullfs_mount',
  tmpfs: 'sys/fs/tmpfs/tmpfs_vfsops.c:tmpfs_mount',
  devfs: 'sys/fs/devfs/devfs_vfsops.c:devfs_mount',
  rule: 'sys/kern/kern_rctl.c:rctl_string_to_rule',
  addRule: 'sys/kern/kern_rctl.c:rctl_rule_add',
} as const
