import { JAIL_UPDATE, JailDescriptor, jailListSync, jailRemoveSync } from 'buildjail/freebsd'

import { group, refuses, shows, type Group } from '../case.ts'
import { isKnownAs, keepDying } from './dying.ts'

const errors = 'jail(2), ERRORS'
const remove = 'sys/kern/kern_jail.c:sys_jail_remove'
const about = 'jail(2), DESCRIPTION, jail_remove'

export const jailRemove: Group = group('remove', 'jail_remove, and the end of a jail', [
  refuses('no-such', 'a jid that is not there', 'EINVAL', [errors, remove], () => jailRemoveSync(999_998)),
  refuses('host', 'jid 0, the host', 'EINVAL', [remove], () => jailRemoveSync(0)),
  refuses('negative', 'a jid below zero', 'EINVAL', [remove], () => jailRemoveSync(-1)),
  shows('of-a-user', 'an ordinary user', ['EPERM'], [errors, remove], (on) => on.callsOfUser([['jailRemoveSync', on.set()]])),
  shows('twice', 'a jail that dies already', 'done', [remove], async (on) => {
    const { jid } = await keepDying(on)
    return on.refusal(() => jailRemoveSync(jid))
  }),
  shows('children', 'the jails below it go with it', [], [about], (on) => {
    const jid = on.set({ 'children.max': 2 })
    on.set({ name: `${on.name}.a`, 'children.max': 1 })
    on.set({ name: `${on.name}.a.b` })
    jailRemoveSync(jid)
    return jailListSync(['name']).map((jail) => String(jail['name'])).filter((name) => name.startsWith(on.name))
  }),
  shows('processes', 'its processes are killed', 'SIGKILL', [about], async (on) => {
    const jid = on.set()
    const sleeping = await on.start({ jid }, ['/bin/sleep', '1000'])
    jailRemoveSync(jid)
    return (await sleeping.ended).signal
  }),
  shows('processes-below', 'and those of jails below it', 'SIGKILL', [about], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    const sleeping = await on.start({ jid: on.set({ name: `${on.name}.below` }) }, ['/bin/sleep', '1000'])
    jailRemoveSync(jid)
    return (await sleeping.ended).signal
  }),
  shows('zombie', 'a process that is dead and not waited for keeps it dying', [true, true], ['sys/kern/kern_jail.c:prison_deref'], async (on) => {
    const { jid, release } = await keepDying(on)
    const isDying = isKnownAs(jid)
    await release()
    return [isDying, await on.until(() => !isKnownAs(jid))]
  }),
  shows('last-process', 'without persist a jail is gone with its last process', [true, true], ['jail(8), persist'], async (on) => {
    const jid = on.set()
    const sleeping = await on.start({ jid }, ['/bin/sleep', '1000'])
    on.set({ path: undefined, persist: false }, JAIL_UPDATE)
    const isThere = isKnownAs(jid)
    sleeping.kill('SIGKILL')
    await sleeping.ended
    return [isThere, await on.until(() => !isKnownAs(jid))]
  }),
  shows('persist-taken', 'a jail without processes is gone when persist is taken from it', true, ['jail(8), persist'], (on) => {
    const jid = on.set()
    on.set({ path: undefined, persist: false }, JAIL_UPDATE)
    return on.until(() => !isKnownAs(jid))
  }),
  shows('child-keeps-no-parent', 'a jail below another keeps that one from ending without persist', [true, true], ['sys/kern/kern_jail.c:kern_jail_set (prison_proc_hold)'], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    const below = on.set({ name: `${on.name}.below` })
    on.set({ path: undefined, persist: false }, JAIL_UPDATE)
    const isThere = jailListSync(['jid']).some((jail) => jail['jid'] === jid)
    jailRemoveSync(below)
    return [isThere, await on.until(() => !isKnownAs(jid))]
  }),
  shows('from-a-jail', 'a jail removes jails below it, and no others', ['EINVAL', 'done'], [remove], (on) => {
    const jid = on.set({ 'children.max': 1 })
    const below = on.set({ name: `${on.name}.below` })
    const beside = on.set({ name: `${on.name}-second` })
    return on.calls({ jid }, [['jailRemoveSync', beside], ['jailRemoveSync', below]])
  }),
  refuses('descriptor-of-the-removed', 'jail_remove_jd of a jail that was removed', 'EINVAL', [errors], (on) => {
    using jail = JailDescriptor.getSync({ jid: on.set() })
    jailRemoveSync(jail.jid)
    jail.removeSync()
  }, {
    needs: ['jailDescriptors'],
    deviation: { seen: 'ENOENT', because: 'a descriptor is let go when its jail begins to die, and one without a jail is ENOENT for every call', cites: ['sys/kern/kern_jaildesc.c:jaildesc_find'] },
  }),
  refuses('descriptor-closed', 'jail_remove_jd of a descriptor that is not open', 'EINVAL', [errors], (on) => {
    const jail = JailDescriptor.getSync({ jid: on.set() })
    jail.close()
    jail.removeSync()
  }, {
    needs: ['jailDescriptors'],
    deviation: { seen: 'EBADF', because: 'EINVAL is of a descriptor of something else; one that is not open is EBADF, as for every call', cites: ['sys/kern/kern_jaildesc.c:jaildesc_find'] },
  }),
])
