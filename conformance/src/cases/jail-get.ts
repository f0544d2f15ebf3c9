import { JAIL_AT_DESC, JAIL_CREATE, JAIL_DYING, JAIL_USE_DESC, jailGetSync, jailListSync, type JailKey } from 'buildjail/freebsd'

import { ByRelease, group, refuses, shows, source, type Group } from '../case.ts'
import { keepDying } from './dying.ts'

const { get } = source
const errors = 'jail(2), ERRORS'
const about = 'jail(2), DESCRIPTION, jail_get'
/** jail_get(2) by something that is no key of ours. */
const by = (key: Readonly<Record<string, unknown>>, names: readonly string[] = ['name'], flags = 0): unknown =>
  jailGetSync(key as unknown as JailKey, names, flags, { check: false })

export const jailGet: Group = group('get', 'jail_get', [
  refuses('no-key', 'no jail is said', 'ENOENT: no jail specified', [get], () => by({ persist: 0 })),
  refuses('jid-0', 'jid 0 is no key', 'ENOENT: no jail specified', [about, get], () => by({ jid: 0 })),
  refuses('no-jid', 'a jid that is not there', 'ENOENT: jail 999998 not found', [errors, get], () => by({ jid: 999_998 })),
  refuses('negative-jid', 'a jid below zero', 'ENOENT: jail -1 not found', [get], () => by({ jid: -1 })),
  refuses('no-name', 'a name that is not there', 'ENOENT: jail "NAME" not found', [errors, get], (on) => by({ name: on.name })),
  refuses('empty-name', 'an empty name', 'ENOENT: jail "" not found', [get], () => by({ name: '' })),
  refuses('after-the-last', 'lastjid above every jid', 'ENOENT: no jail after 999998', [errors, get], () => by({ lastjid: 999_998 })),
  refuses('jid-of-another-size', 'a jid of another size', 'EINVAL', [errors, get], () => by({ jid: 'abcdefg' })),
  refuses('lastjid-of-another-size', 'a lastjid of another size', 'EINVAL', [errors, get], () => by({ lastjid: 'abcdefg' })),
  refuses('unknown', 'a parameter that is none', 'EINVAL: unknown parameter: no.such', [errors, get], (on) => {
    on.set()
    by({ name: on.name }, ['no.such'])
  }),
  refuses('create-flag', 'a flag of jail_set', 'EINVAL', [get, 'sys/sys/jail.h:JAIL_GET_MASK'], (on) => {
    on.set()
    by({ name: on.name }, ['jid'], JAIL_CREATE)
  }),
  refuses('two-descriptor-flags', 'JAIL_USE_DESC and JAIL_AT_DESC together', 'EINVAL', [get], () => by({ desc: 0 }, ['jid'], JAIL_USE_DESC | JAIL_AT_DESC)),
  refuses('missing-desc', 'JAIL_AT_DESC without desc', new ByRelease([{ from: 1_500_000, is: 'ENOENT: missing desc' }, { from: 0, is: 'EINVAL' }]), [get], (on) => by({ name: on.name }, ['jid'], JAIL_AT_DESC)),
  refuses('unexpected-desc', 'desc without a flag', 'EINVAL: unexpected desc', [get], () => by({ desc: 0 }), { needs: ['jailDescriptors'] }),
  refuses('desc-not-open', 'a descriptor that is not open', 'EBADF: not a jail descriptor', [get, 'sys/kern/kern_jaildesc.c:jaildesc_find'], () => by({ desc: 9999 }, ['jid'], JAIL_USE_DESC), { needs: ['jailDescriptors'] }),
  refuses('desc-of-another', 'a descriptor of something else', 'EINVAL: not a jail descriptor', [get, 'sys/kern/kern_jaildesc.c:jaildesc_find'], () => by({ desc: 1 }, ['jid'], JAIL_USE_DESC), { needs: ['jailDescriptors'] }),
  shows('by-jid-and-name', 'the same jail by its jid and its name', true, [about], (on) => {
    const jid = on.set()
    return on.get('name', { jid }) === on.name && on.get('jid') === jid
  }),
  shows('negations', 'a flag can be asked for by its negation as well', [0, 1, 1], [get], (on) => {
    on.set()
    const found = jailGetSync({ name: on.name }, ['nopersist', 'allow.nochflags', 'nodying'], 0, { check: false })
    return Object.values(found).map((value) => (value instanceof Uint8Array ? (value[0] ?? null) : null))
  }),
  shows('list', 'lastjid goes through the jails in the order of their numbers', [true, true], [about], (on) => {
    const jids = [on.set(), on.set({ name: `${on.name}-second` })]
    const listed = jailListSync(['jid']).map((jail) => Number(jail['jid']))
    return [jids.every((jid) => listed.includes(jid)), listed.every((jid, at) => at === 0 || jid > (listed[at - 1] ?? 0))]
  }),
  refuses('dying', 'a jail that dies, by its name', 'ENOENT: jail "NAME" is dying', [about, get], async (on) => {
    await keepDying(on)
    by({ name: on.name }, ['jid'])
  }),
  shows('dying-flag', 'a jail that dies, with JAIL_DYING', true, [about], async (on) => {
    await keepDying(on)
    return jailGetSync({ name: on.name }, ['dying'], JAIL_DYING)['dying'] === true
  }),
  shows('dying-in-lists', 'a list has jails that die only with JAIL_DYING', [0, 1], [about, get], async (on) => {
    const { jid } = await keepDying(on)
    return [0, JAIL_DYING].map((flags) => jailListSync(['jid'], flags).filter((jail) => jail['jid'] === jid).length)
  }),
  shows('children-cur', 'children.cur counts all descendants', [2, 1, 0], ['jail(8), children.cur'], (on) => {
    on.set({ 'children.max': 5 })
    on.set({ name: `${on.name}.a`, 'children.max': 2 })
    on.set({ name: `${on.name}.a.b` })
    return [on.name, `${on.name}.a`, `${on.name}.a.b`].map((name) => on.get('children.cur', { name }))
  }),
  shows('of-a-user', 'an ordinary user may look at jails', [['NAME', '/']], [get], async (on) => {
    on.set()
    const found = await on.callsOfUser([['jailGetSync', { name: on.name }, ['name', 'path']]])
    return found.map((one) => Object.values(one as object))
  }),
  shows('from-a-jail', 'a jail sees the jails below it and no others, by names and parents as it has them', [[{ name: 'below', parent: 0 }], 'ENOENT: jail "NAME" not found'], [get, 'sys/kern/kern_jail.c:prison_name'], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    on.set({ name: `${on.name}.below` })
    const [list, own] = await on.calls({ jid }, [['jailListSync', ['name', 'parent']], ['jailGetSync', { name: on.name }, ['jid']]])
    return [list ?? null, own ?? null]
  }),
  shows('path-from-a-jail', 'a jail sees the paths of jails below it without its own', '/bin', [get, 'sys/kern/kern_jail.c:prison_path'], async (on) => {
    // Of programs there is next to nothing in it, so its sh looks by jls(8), which is bound to libraries below /usr.
    const root = await on.nullfs('/')
    const jid = on.set({ 'children.max': 1, path: root })
    on.set({ name: `${on.name}.below`, path: `${root}/bin` })
    return on.inside({ jid }, 'jls -n path | sed "s/path=//"')
  }),
])
