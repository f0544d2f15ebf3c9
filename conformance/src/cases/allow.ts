import { JAIL_CREATE, JAIL_UPDATE } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Entry, type Group, type Need } from '../case.ts'

const { set } = source

interface Permission {
  readonly name: string
  /** What jail(8) says that a new jail has. */
  readonly isOn?: boolean
  readonly needs?: readonly Need[]
  /** A jail may give it to one below it without having it (PR_ALLOW_DIFFERENCES). */
  readonly isFree?: boolean
  readonly isOnInTruth?: boolean
}

const fileSystems = ['devfs', 'fdescfs', 'fusefs', 'linprocfs', 'linsysfs', 'nullfs', 'procfs', 'tmpfs', 'zfs']
const permissions: readonly Permission[] = [
  { name: 'set_hostname', isOn: true },
  { name: 'sysvipc' },
  { name: 'raw_sockets' },
  { name: 'chflags' },
  { name: 'mount' },
  ...fileSystems.map((name) => ({ name: `mount.${name}`, needs: [`parameter allow.mount.${name}` as const] })),
  { name: 'quotas' },
  { name: 'socket_af' },
  { name: 'mlock' },
  { name: 'reserved_ports', isOn: true },
  { name: 'read_msgbuf' },
  { name: 'unprivileged_proc_debug', isFree: true, isOnInTruth: true },
  { name: 'unprivileged_parent_tampering', isFree: true, needs: ['parameter allow.unprivileged_parent_tampering'] },
  { name: 'suser', isOn: true },
  { name: 'nfsd', needs: ['parameter allow.nfsd'] },
  { name: 'extattr', needs: ['parameter allow.extattr'] },
  { name: 'adjtime', needs: ['parameter allow.adjtime'] },
  { name: 'settime', needs: ['parameter allow.settime'] },
  { name: 'routing', needs: ['parameter allow.routing'] },
  { name: 'setaudit', needs: ['parameter allow.setaudit'] },
  { name: 'vmm', needs: ['parameter allow.vmm'] },
  { name: 'vmm_ppt', needs: ['parameter allow.vmm_ppt'] },
]

function casesOf({ name, isOn = false, needs = [], isFree = false, isOnInTruth = false }: Permission): readonly Entry[] {
  const parameter = `allow.${name}`
  const page = `jail(8), ${parameter}`
  return [
    shows(`${name}-default`, `${parameter} of a new jail`, isOn, ['jail(8), allow.*', page], (on) => {
      on.set()
      return on.get(parameter)
    }, {
      needs,
      ...(isOnInTruth && {
        deviation: {
          seen: true,
          because: 'the page names two permissions as the exceptions that are on, and further down allow.suser as a third; this one it forgets',
          cites: ['sys/kern/kern_jail.c:JAIL_DEFAULT_ALLOW'],
        },
      }),
    }),
    shows(`${name}-set`, `${parameter} is given and taken`, [true, false, true], [page, set], (on) => {
      on.set({ [parameter]: true })
      const seen = [on.get(parameter)]
      on.set({ path: undefined, [parameter]: false }, JAIL_UPDATE)
      seen.push(on.get(parameter))
      on.set({ path: undefined, [parameter]: true }, JAIL_UPDATE)
      return [...seen, on.get(parameter)]
    }, { needs }),
    refuses(`${name}-below`, `a jail without ${parameter} has none below it that has it`, 'EPERM', ['jail(2), ERRORS', set], (on) => {
      on.set({ 'children.max': 1, [parameter]: false })
      on.set({ name: `${on.name}.below`, [parameter]: true })
    }, {
      needs,
      ...(isFree && {
        deviation: { seen: 'done', because: 'it says what ordinary users of the jail, or around it, may do among themselves, and is excepted', cites: ['sys/sys/jail.h:PR_ALLOW_DIFFERENCES', set] },
      }),
    }),
    shows(`${name}-taken-below`, `when ${parameter} is taken from a jail, those below lose it`, false, ['sys/kern/kern_jail.c:prison_set_allow_locked'], (on) => {
      on.set({ 'children.max': 1, [parameter]: true })
      on.set({ name: `${on.name}.below`, [parameter]: true })
      on.set({ path: undefined, [parameter]: false }, JAIL_UPDATE)
      return on.get(parameter, { name: `${on.name}.below` })
    }, { needs }),
  ]
}

export const allow: Group = group('allow', 'allow.*: who has what', [
  ...permissions.flatMap(casesOf),
  shows('not-in-lists', 'a jail may be made with several at once', [true, true, false], [set], (on) => {
    on.set({ 'allow.chflags': true, 'allow.quotas': true, 'allow.mlock': false }, JAIL_CREATE)
    return ['allow.chflags', 'allow.quotas', 'allow.mlock'].map((name) => on.get(name))
  }),
])
