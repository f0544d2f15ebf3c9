import { JAIL_UPDATE } from 'buildjail/freebsd'

import { group, refuses, shows, type Entry, type Group } from '../case.ts'

const kinds = [
  ['sysvmsg', 'sys/kern/sysv_msg.c:msg_prison'],
  ['sysvsem', 'sys/kern/sysv_sem.c:sem_prison'],
  ['sysvshm', 'sys/kern/sysv_shm.c:shm_prison'],
] as const

function casesOf([name, file]: (typeof kinds)[number]): readonly Entry[] {
  const needs = [`parameter ${name}` as const]
  const page = 'jail(8), sysvmsg'
  return [
    ...(['new', 'inherit', 'disable'] as const).map((mode) =>
      shows(`${name}-${mode}`, `${name} ${mode}`, mode, [page, `${file}_get`], (on) => {
        on.set({ [name]: mode })
        return on.get(name)
      }, { needs })),
    shows(`${name}-changed`, `${name} of a jail that is there is changed`, ['inherit', 'new', 'disable'], [`${file}_set`], (on) => {
      on.set({ [name]: 'inherit' })
      const seen = [on.get(name)]
      for (const mode of ['new', 'disable']) {
        on.set({ path: undefined, [name]: mode }, JAIL_UPDATE)
        seen.push(on.get(name))
      }
      return seen
    }, { needs }),
    refuses(`${name}-mode-3`, `${name} of no mode there is`, 'EINVAL', [`${file}_check`], (on) => on.set({ [name]: Buffer.from([3, 0, 0, 0]) }), { needs }),
    refuses(`${name}-below`, `${name} below a jail that has none`, 'EPERM', [`${file}_check`], (on) => {
      on.set({ 'children.max': 1 })
      on.set({ name: `${on.name}.below`, [name]: 'new' })
    }, { needs }),
    shows(`${name}-disabled-below`, `when ${name} is taken from a jail, those below lose it`, 'disable', [`${file}_set`], (on) => {
      on.set({ 'children.max': 1, [name]: 'new' })
      on.set({ name: `${on.name}.below`, [name]: 'inherit' })
      on.set({ path: undefined, [name]: 'disable' }, JAIL_UPDATE)
      return on.get(name, { name: `${on.name}.below` })
    }, { needs }),
    shows(`${name}-of-sysvipc`, `allow.sysvipc is ${name} inherit`, 'inherit', ['jail(8), allow.sysvipc', `${file}_set`], (on) => {
      on.set({ 'allow.sysvipc': true })
      return on.get(name)
    }, { needs }),
    shows(`${name}-before-sysvipc`, `${name} said as well holds against allow.sysvipc`, 'new', [`${file}_set`], (on) => {
      on.set({ 'allow.sysvipc': true, [name]: 'new' })
      return on.get(name)
    }, { needs }),
  ]
}

export const sysv: Group = group('sysv', 'System V IPC', kinds.flatMap(casesOf))
