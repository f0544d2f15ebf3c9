import type { Case, Group } from './case.ts'
import { allow } from './cases/allow.ts'
import { cpuset } from './cases/cpuset.ts'
import { descriptors } from './cases/descriptors.ts'
import { devfs } from './cases/devfs.ts'
import { events } from './cases/events.ts'
import { jailAttach } from './cases/jail-attach.ts'
import { jailDefaults } from './cases/jail-defaults.ts'
import { jailGet } from './cases/jail-get.ts'
import { jailRemove } from './cases/jail-remove.ts'
import { jailSetFlags } from './cases/jail-set-flags.ts'
import { jailSetValues } from './cases/jail-set-values.ts'
import { meta } from './cases/meta.ts'
import { mountsInJails } from './cases/mounts-in-jails.ts'
import { names } from './cases/names.ts'
import { nesting } from './cases/nesting.ts'
import { nmount } from './cases/nmount.ts'
import { nullfs } from './cases/nullfs.ts'
import { permits } from './cases/permits.ts'
import { rctl } from './cases/rctl.ts'
import { statfs } from './cases/statfs.ts'
import { sysv } from './cases/sysv.ts'
import { tmpfs } from './cases/tmpfs.ts'
import { unionfs } from './cases/unionfs.ts'
import { unmount } from './cases/unmount.ts'
import { vnet } from './cases/vnet.ts'

/** The whole suite, in its order. */
export const groups: readonly Group[] = [
  jailSetFlags, jailSetValues, jailDefaults, names, nesting, jailGet, jailAttach, jailRemove, descriptors, events, meta, allow, permits, mountsInJails,
  statfs, sysv, cpuset, vnet, rctl, nmount, unmount, nullfs, tmpfs, unionfs, devfs,
]

export const cases: readonly Case[] = groups.flatMap((one) => one.cases)
