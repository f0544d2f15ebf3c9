import { JAIL_DYING, JAIL_UPDATE, jailGetSync, jailListSync } from 'buildjail/freebsd'

import { group, refuses, shows, type Entry, type Group } from '../case.ts'
import type { Context, RawParameters } from '../context.ts'
import { seenOf, type Seen } from '../seen.ts'

const page = 'jail(8), meta'
const code = 'sys/kern/kern_jailmeta.c:jm_osd_method_set'

/** At the end of the name of a jail that the kernel keeps. */
export const staying = '-staying'

function update(on: Context, parameters: RawParameters): void {
  on.set({ path: undefined, ...parameters }, JAIL_UPDATE)
}

function read(on: Context, ...names: string[]): Seen[] {
  const found = jailGetSync({ name: on.name }, names)
  return names.map((name) => seenOf(found[name]))
}

function casesOf(name: 'meta' | 'env'): readonly Entry[] {
  return [
    shows(`${name}-set`, `${name} is a text of any kind`, ['t1=A t2=B\tc'], [page], (on) => {
      on.set({ [name]: 't1=A t2=B\tc' })
      return read(on, name)
    }),
    shows(`${name}-changed`, `${name} is changed`, ['after'], [page], (on) => {
      on.set({ [name]: 'before' })
      update(on, { [name]: 'after' })
      return read(on, name)
    }),
    shows(`${name}-reset`, `${name} is emptied`, [''], [page], (on) => {
      on.set({ [name]: 'before' })
      update(on, { [name]: '' })
      return read(on, name)
    }),
    shows(`${name}-key`, `a key of ${name} is a line of it`, ['1', 'a=1'], [page, code], (on) => {
      on.set({ [`${name}.a`]: '1' })
      return read(on, `${name}.a`, name)
    }),
    shows(`${name}-key-in-lines`, `a line of ${name} is a key`, ['2', '3'], [page], (on) => {
      on.set({ [name]: 'a=2\nb=3' })
      return read(on, `${name}.a`, `${name}.b`)
    }),
    shows(`${name}-key-missing`, `a key of ${name} that is not there is empty`, ['', 'x=1'], ['sys/kern/kern_jail.c:kern_jail_get', page], (on) => {
      on.set({ [name]: 'x=1' })
      return read(on, `${name}.no`, name)
    }),
    shows(`${name}-keys-at-once`, `several keys of ${name} at once, the last before the others`, ['b=2\nc=3'], [code], (on) => {
      on.set()
      update(on, { [`${name}.c`]: '3', [`${name}.b`]: '2' })
      return read(on, name)
    }),
    shows(`${name}-key-replaced`, `a key of ${name} is replaced, the others stay`, ['A', '2'], [page], (on) => {
      on.set({ [`${name}.a`]: '1', [`${name}.b`]: '2' })
      update(on, { [`${name}.a`]: 'A' })
      return read(on, `${name}.a`, `${name}.b`)
    }),
    shows(`${name}-key-empty`, `a key of ${name} may be empty`, ['', 'a='], [page], (on) => {
      on.set({ [`${name}.a`]: '' })
      return read(on, `${name}.a`, name)
    }),
    shows(`${name}-key-removed`, `the name of a key of ${name} without a value takes the key away`, ['b=2'], [page, code], (on) => {
      on.set({ [`${name}.a`]: '1', [`${name}.b`]: '2' })
      update(on, { [`${name}.a`]: null })
      return read(on, name)
    }),
    shows(`${name}-whole-and-key`, `of ${name} and its keys in one call the order counts`, ['b=2\nttt'], [code], (on) => {
      on.set()
      update(on, { [`${name}.a`]: '1', [name]: 'ttt', [`${name}.b`]: '2' })
      return read(on, name)
    }),
    shows(`${name}-equals-sign`, `only the first = in a key of ${name} is one`, ['=', 'b=='], [code], (on) => {
      on.set({ [`${name}.b`]: '=' })
      return read(on, `${name}.b`, name)
    }),
    refuses(`${name}-empty-key`, `a key of ${name} of no characters`, 'EINVAL', [code], (on) => {
      on.set()
      update(on, { [`${name}.`]: 'x' })
    }),
    refuses(`${name}-too-long`, `${name} longer than security.jail.meta_maxbufsize`, 'EFBIG', [page, code], async (on) => {
      const most = Number(await on.outside('sysctl -n security.jail.meta_maxbufsize'))
      on.set()
      update(on, { [name]: 'x'.repeat(most) })
    }),
    shows(`${name}-longest`, `${name} as long as that, with its NUL`, [true], [page, code], async (on) => {
      const most = Number(await on.outside('sysctl -n security.jail.meta_maxbufsize'))
      on.set({ [name]: 'x'.repeat(most - 1) })
      return read(on, name).map((text) => String(text).length === most - 1)
    }),
    shows(`${name}-not-inherited`, `${name} is not inherited`, '', ['tests/sys/kern/jailmeta.sh:not_inheritable'], (on) => {
      on.set({ 'children.max': 1, [name]: 'abc' })
      on.set({ name: `${on.name}.below` })
      return on.get(name, { name: `${on.name}.below` })
    }),
  ]
}

export const meta: Group = group('meta', 'meta and env', [
  ...casesOf('meta'),
  ...casesOf('env'),
  shows('env-inside', 'a jail reads its env', 'CBA', ['jail(8), env'], (on) => on.inside({ jid: on.set({ env: 'CBA', meta: 'abc' }) }, 'sysctl -n security.jail.env')),
  shows('meta-hidden', 'a jail reads no meta', 0, ['jail(8), meta'], async (on) => {
    const said = await on.inside({ jid: on.set({ meta: 'hidden words' }) }, 'sysctl -a security.jail | grep -c "hidden words"; true')
    return Number(said)
  }),
  // The cases above change a jail, as each that is refused when it is made would stay.
  shows('refused-when-made', 'a jail that is refused for its meta is not there', false, ['sys/kern/kern_jail.c:kern_jail_set, "de-persist newly created prisons"'], async (on) => {
    const name = `${on.name}${staying}`
    const refusal = await on.refusal(() => on.set({ name, 'meta.': 'x' }))
    if (refusal !== 'EINVAL') return refusal
    return jailListSync(['name'], JAIL_DYING).some((jail) => jail['name'] === name)
  }, {
    deviation: {
      seen: true,
      because: 'it has the reference of persist, which is dropped of jails that are alive alone, and this one is not yet: it stays dying until the system is started again',
      cites: ['sys/kern/kern_jail.c:prison_deref'],
    },
  }),
  shows('apart', 'meta and env are two', ['m', 'e'], ['jail(8), meta'], (on) => {
    on.set({ meta: 'm', env: 'e' })
    return read(on, 'meta', 'env')
  }),
], ['jailMetadata'])
