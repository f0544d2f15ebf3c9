import { closeSync, fstatSync } from 'node:fs'

import { JAIL_DYING, JailDescriptor, jailListSync, jailRemoveSync, type JailParameters } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'
import type { Context } from '../context.ts'
import { isKnownAs, keepDying, keepProcess } from './dying.ts'

const about = 'jail(2), Jail Descriptors'
const file = 'sys/kern/kern_jaildesc.c'

function created(on: Context, more: JailParameters = {}, isOwning = true): JailDescriptor {
  on.note(on.name)
  return JailDescriptor.createSync({ name: on.name, path: '/', persist: true, ...more }, { isOwning, check: false })
}

export const descriptors: Group = group('descriptors', 'descriptors of jails', [
  shows('owning-closed', 'one that owns takes the jail along when it is closed', true, [about, `${file}:jaildesc_close`], (on) => {
    const jail = created(on)
    jail.close()
    return on.until(() => !isKnownAs(jail.jid))
  }),
  shows('plain-closed', 'one that does not own leaves it', true, [about], (on) => {
    const jail = created(on, {}, false)
    jail.close()
    return jailListSync(['jid']).some(({ jid }) => jid === jail.jid)
  }),
  shows('owned-later', 'a jail that is there can be owned', true, [about], (on) => {
    const jail = JailDescriptor.getSync({ jid: on.set() }, { isOwning: true })
    jail.close()
    return on.until(() => !isKnownAs(jail.jid))
  }),
  shows('two-owners', 'of two that own the first that is closed takes it', ['ENOENT: descriptor to dead jail'], [about, `${file}:jaildesc_close`], async (on) => {
    using first = created(on)
    using second = JailDescriptor.getSync({ jid: first.jid }, { isOwning: true })
    first.close()
    return [await on.refusal(() => second.getSync(['name']))]
  }),
  shows('passed', 'the program that made it may be dead: it was sent to this one', true, [about, 'unix(4), SCM_RIGHTS'], (on) => {
    // JailDescriptor has it made by a child, which ends.
    using jail = created(on)
    return jail.getSync(['jid'])['jid'] === jail.jid
  }),
  shows('inherited', 'one that owns is open in a child as well, across execve, and is closed with the last of the two', [true, true], [about, 'fork(2)', 'execve(2)'], async (on) => {
    const jail = created(on)
    const child = await on.startOutside(['/bin/sleep', '1000'], { stdio: [jail.fd, 'ignore', 'ignore'] })
    jail.close()
    const isThere = jailListSync(['jid']).some(({ jid }) => jid === jail.jid)
    child.kill('SIGKILL')
    await child.ended
    return [isThere, await on.until(() => !isKnownAs(jail.jid))]
  }),
  shows('killed', 'the death of its owner by SIGKILL takes the jail along', true, [about], async (on) => {
    const jail = created(on)
    const child = await on.startOutside(['/bin/sh', '-c', 'exec sleep 1000'], { stdio: [jail.fd, 'ignore', 'ignore'] })
    jail.close()
    child.kill('SIGKILL')
    return on.until(() => !isKnownAs(jail.jid))
  }),
  shows('stat', 'fstat: the inode is the jid, and the mode is 0700 while it lives', [true, '700', '0'], [`${file}:jaildesc_stat`], (on) => {
    using jail = created(on)
    const { ino, mode } = fstatSync(jail.fd)
    jail.removeSync()
    return [ino === jail.jid, (mode & 0o777).toString(8), (fstatSync(jail.fd).mode & 0o777).toString(8)]
  }),
  shows('remove', 'jail_remove_jd removes it, and the descriptor stays open', [true, 'done'], ['jail(2), DESCRIPTION, jail_remove_fd'], async (on) => {
    const jail = created(on)
    jail.removeSync()
    const isGone = await on.until(() => !isKnownAs(jail.jid))
    return [isGone, await on.refusal(() => closeSync(jail.fd))]
  }),
  refuses('set-dead', 'jail_set of a jail that was removed', 'ENOENT: descriptor to dead jail', ['jail(2), ERRORS', source.set], (on) => {
    using jail = created(on)
    jailRemoveSync(jail.jid)
    jail.setSync({ 'host.hostname': 'x' })
  }),
  refuses('get-dead', 'jail_get of a jail that was removed', 'ENOENT: descriptor to dead jail', ['jail(2), ERRORS', source.get], (on) => {
    using jail = created(on)
    jailRemoveSync(jail.jid)
    jail.getSync(['name'])
  }),
  refuses('get-dying', 'and of one that dies, with JAIL_DYING as well', 'ENOENT: descriptor to dead jail', [`${file}:jaildesc_prison_cleanup`], async (on) => {
    const jid = on.set()
    using jail = JailDescriptor.getSync({ jid })
    await keepProcess(on, jid)
    jailRemoveSync(jid)
    jail.getSync(['name'], JAIL_DYING)
  }),
  refuses('of-a-dying', 'no descriptor is had of a jail that dies', 'ENOENT: jail "NAME" is dying', [source.get], async (on) => {
    await keepDying(on)
    JailDescriptor.getSync({ name: on.name }).close()
  }),
  shows('keeps-no-jail', 'an open descriptor that does not own keeps no jail from ending', true, [`${file}:jaildesc_prison_cleanup`], async (on) => {
    using jail = created(on, {}, false)
    jailRemoveSync(jail.jid)
    return await on.until(() => !isKnownAs(jail.jid))
  }),
  shows('renamed', 'it is the same jail, whatever its name', 'NAME-new', [about], (on) => {
    using jail = created(on)
    jail.setSync({ name: `${on.name}-new` })
    return on.masked(String(jail.getSync(['name'])['name']))
  }),
  refuses('other-jid', 'its jid cannot be changed', 'EINVAL: cannot change jid', [source.set], (on) => {
    using jail = created(on)
    jail.setSync({ jid: 987_657 }, { check: false })
  }),
  shows('at-create', 'JAIL_AT_DESC: a jail is made below it', ['NAME.below', true], [about], (on) => {
    using jail = created(on, { 'children.max': 1 })
    const jid = jail.createBelowSync({ name: 'below', path: '/', persist: true })
    return [on.masked(String(on.get('name', { jid }))), on.get('parent', { jid }) === jail.jid]
  }),
  refuses('at-limit', 'JAIL_AT_DESC of a jail whose children.max is 0', 'EPERM', ['jail(2), ERRORS', source.set], (on) => {
    using jail = created(on)
    jail.createBelowSync({ name: 'below', path: '/', persist: true })
  }),
  shows('at-get', 'JAIL_AT_DESC: names are those below it', [true, 'ENOENT: jail "NAME" not found'], [about], async (on) => {
    using jail = created(on, { 'children.max': 1 })
    const jid = jail.createBelowSync({ name: 'below', path: '/', persist: true })
    return [jail.findSync({ name: 'below' }) === jid, await on.refusal(() => jail.findSync({ name: on.name }))]
  }),
  refuses('at-dead', 'JAIL_AT_DESC of a jail that was removed', 'ENOENT: descriptor to dead jail', [source.set], (on) => {
    using jail = created(on, { 'children.max': 1 })
    jailRemoveSync(jail.jid)
    jail.createBelowSync({ name: 'below', path: '/', persist: true })
  }),
  shows('of-a-user', 'an ordinary user may have one of a jail, and owns none', ['object', 'EPERM'], ['jail(2), ERRORS', `${file}:jaildesc_alloc`], async (on) => {
    on.set()
    const [plain, owning] = await on.callsOfUser([['JailDescriptor.getSync', { name: on.name }], ['JailDescriptor.getSync', { name: on.name }, { isOwning: true }]])
    return [typeof plain, owning ?? null]
  }),
], ['jailDescriptors'])
