import { JAIL_CREATE, JAIL_DYING, JAIL_UPDATE, jailGetSync, jailListSync, jailRemoveSync } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'
import { keepDying } from './dying.ts'

const { set } = source
const hierarchy = 'jail(8), Hierarchical Jails'
const numeric = 'EINVAL: name cannot be numeric (unless it is the jid)'

export const names: Group = group('names', 'names and numbers of jails', [
  shows('numeric', 'a name that is a number chooses the jid', 987_651, [set], (on) => on.set({ name: '987651' })),
  refuses('numeric-other', 'a name that is another number than the jid', numeric, [set], (on) => on.set({ name: '987652', jid: 987_653 })),
  refuses('numeric-zero', 'a number with a zero before it', numeric, [set], (on) => on.set({ name: '0987654' })),
  refuses('rename-numeric', 'a jail may not be renamed to another number', numeric, [set], (on) => {
    on.set({ jid: on.set(), name: '987655', path: undefined }, JAIL_UPDATE)
  }),
  shows('rename-own-number', 'a jail may be renamed to its own jid', true, [set], (on) => {
    const jid = on.set()
    on.set({ jid, name: String(jid), path: undefined }, JAIL_UPDATE)
    return on.get('name', { jid }) === String(jid)
  }),
  shows('with-letters', 'a name with letters after a number is none', '9NAME', [set], (on) => {
    const jid = on.set({ name: `9${on.name}` })
    return on.masked(String(on.get('name', { jid })))
  }),
  shows('any-character', 'a name may have spaces, signs and letters of any script', 'NAME é+', ['jail(8), name'], (on) => {
    const name = `${on.name} é+`
    const jid = on.set({ name })
    return on.masked(String(on.get('name', { jid })))
  }),
  shows('rename', 'a jail that was renamed keeps its jid, and its old name is free', [true, 'ENOENT: jail "NAME" not found'], [set], async (on) => {
    const jid = on.set()
    on.set({ jid, name: `${on.name}-new`, path: undefined }, JAIL_UPDATE)
    return [jailGetSync({ name: `${on.name}-new` }, ['jid'])['jid'] === jid, await on.refusal(() => on.get('jid'))]
  }),
  refuses('no-parent', 'a jail below one that is not there', 'ENOENT: jail "NAME" not found', [hierarchy, set], (on) => on.set({ name: `${on.name}.below` })),
  shows('below', 'a jail below another has the name of both', ['NAME.below', true], [hierarchy, set], (on) => {
    const above = on.set({ 'children.max': 1 })
    const jid = on.set({ name: `${on.name}.below` })
    return [on.masked(String(on.get('name', { jid }))), on.get('parent', { jid }) === above]
  }),
  shows('below-without-a-name', 'a dot at the end: the last part is the jid', true, [set], (on) => {
    on.set({ 'children.max': 1 })
    const jid = on.set({ name: `${on.name}.` })
    return on.get('name', { jid }) === `${on.name}.${jid}`
  }),
  shows('below-numeric', 'a last part that is a number chooses the jid', 987_656, [set], (on) => {
    on.set({ 'children.max': 1 })
    return on.set({ name: `${on.name}.987656` })
  }),
  refuses('below-taken', 'the same name twice below one jail', 'EEXIST: jail "NAME.below" already exists', [set], (on) => {
    on.set({ 'children.max': 2 })
    on.set({ name: `${on.name}.below` })
    on.set({ name: `${on.name}.below` })
  }),
  shows('below-two', 'the same last part below two jails', true, [hierarchy], (on) => {
    on.set({ 'children.max': 1 })
    on.set({ name: `${on.name}-second`, 'children.max': 1 })
    on.set({ name: `${on.name}.below` })
    return on.set({ name: `${on.name}-second.below` }) > 0
  }),
  shows('below-renamed', 'jails below one that is renamed are renamed with it', 'NAME-new.below', [set], (on) => {
    const above = on.set({ 'children.max': 1 })
    const jid = on.set({ name: `${on.name}.below` })
    on.set({ jid: above, name: `${on.name}-new`, path: undefined }, JAIL_UPDATE)
    return on.masked(String(on.get('name', { jid })))
  }),
  refuses('other-parent', 'a jail may not be put below another', "EINVAL: cannot change jail's parent", [set], (on) => {
    on.set({ 'children.max': 1 })
    on.set({ jid: on.set({ name: `${on.name}-second` }), name: `${on.name}.second`, path: undefined }, JAIL_UPDATE)
  }),
  shows('below-renamed-by-jid', 'a jail below another, renamed by its jid, stays below it by its name', 'NAME.NAME-new', [hierarchy], (on) => {
    on.set({ 'children.max': 1 })
    const jid = on.set({ name: `${on.name}.below` })
    on.set({ jid, name: `${on.name}-new`, path: undefined }, JAIL_UPDATE)
    return on.masked(String(on.get('name', { jid })))
  }, {
    deviation: {
      seen: 'NAME-new',
      because: 'the name is set below the jail of the caller and not below the parent of the jail, which the kernel does not look at here; the jail has a name as if it were not below any',
      cites: [set],
    },
  }),
  refuses('too-long-below', 'the whole name of a jail below another is too long', 'ENAMETOOLONG', [set], (on) => {
    on.set({ 'children.max': 1 })
    on.set({ name: `${on.name}.${'x'.repeat(255 - on.name.length)}` })
  }),
  shows('free-while-dying', 'the name of a jail that dies is free, and the new jail has another jid', true, [set], async (on) => {
    const { jid } = await keepDying(on)
    return on.set() !== jid
  }),
  shows('found-while-dying', 'of two jails of a name, one of them dying, the one that lives is found', true, ['sys/kern/kern_jail.c:prison_find_name'], async (on) => {
    await keepDying(on)
    const jid = on.set()
    return jailGetSync({ name: on.name }, ['jid'], JAIL_DYING)['jid'] === jid
  }),
  shows('jid-while-dying', 'the jid of a jail that dies is free, and the one that dies gets another', [true, true], [set, 'sys/kern/kern_jail.c:get_next_deadid'], async (on) => {
    const { jid } = await keepDying(on)
    const again = on.set({ jid })
    const dying = jailListSync(['jid', 'name', 'dying'], JAIL_DYING).filter((jail) => jail['name'] === on.name && jail['dying'] === true)
    return [again === jid, dying.every((jail) => jail['jid'] !== jid) && dying.length === 1]
  }),
  refuses('below-a-dying', 'no jail is made below one that dies', 'ENOENT: jail "NAME" is dying', [set], async (on) => {
    await keepDying(on, { 'children.max': 1 })
    on.set({ name: `${on.name}.below` })
  }),
  shows('number-not-reused', 'a jid is not given again at once', true, ['sys/kern/kern_jail.c:get_next_prid'], (on) => {
    const first = on.set()
    jailRemoveSync(first)
    return on.set({ name: `${on.name}-second` }, JAIL_CREATE) !== first
  }),
])
