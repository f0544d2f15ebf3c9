import type { Context } from './context.ts'
import type { Seen } from './seen.ts'

/** An expectation that depends on the release: the first line counts whose `from` is not above the kernel's osreldate (getosreldate(3)). */
export class ByRelease {
  readonly lines: readonly { readonly from: number; readonly is: Seen }[]

  constructor(lines: readonly { readonly from: number; readonly is: Seen }[]) {
    this.lines = lines
  }

  of(osreldate: number): Seen {
    return this.lines.find(({ from }) => osreldate >= from)?.is ?? null
  }
}

/** A feature that the kernel needs for a case. */
export type Need = 'jailDescriptors' | 'jailMetadata' | 'vnet' | 'rctl' | 'nullfsFiles' | `parameter ${string}` | `file system ${string}` | 'two processors'

/** A known difference between the kernel and its documentation, with the reason. */
export interface Deviation {
  readonly seen: Seen
  readonly because: string
  /** The place in the kernel's source. */
  readonly cites: readonly string[]
}

/** One documented behaviour of the kernel. */
export interface Case {
  /** `group/name`. It does not change with the title. */
  readonly id: string
  readonly title: string
  /** Where the behaviour is documented: a manual page with its section, or `file:function` of the kernel's source. */
  readonly cites: readonly string[]
  readonly expected: Seen | ByRelease
  /** Set if the kernel is known to do something else. */
  readonly deviation?: Deviation
  readonly needs: readonly Need[]
  /** Makes the calls. @returns what it saw */
  readonly run: (context: Context) => Seen | Promise<Seen>
}

export interface Group {
  readonly name: string
  readonly title: string
  readonly cases: readonly Case[]
}

interface Optional {
  readonly needs?: readonly Need[]
  readonly deviation?: Deviation
}

/** A case before it is in its group. */
export type Entry = Omit<Case, 'id'> & { readonly name: string }

/** A case that makes a call and looks at its error: `EINVAL`, or with the kernel's explanation `EINVAL: missing desc`. `done` if it succeeds. */
export function refuses(name: string, title: string, expected: string | ByRelease, cites: readonly string[], call: (context: Context) => unknown, more: Optional = {}): Entry {
  return { name, title, expected, cites, needs: [], ...more, run: (context) => context.refusal(() => call(context)) }
}

/** A case that looks at a result. */
export function shows(name: string, title: string, expected: Seen | ByRelease, cites: readonly string[], run: Case['run'], more: Optional = {}): Entry {
  return { name, title, expected, cites, needs: [], ...more, run }
}

/** @param needs what each of its cases needs, beside its own needs */
export function group(name: string, title: string, entries: readonly Entry[], needs: readonly Need[] = []): Group {
  return { name, title, cases: entries.map(({ name: own, ...entry }) => ({ ...entry, id: `${name}/${own}`, needs: [...needs, ...entry.needs] })) }
}

/** Functions of the kernel's source that several files of cases cite. */
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
