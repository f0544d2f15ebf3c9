import { setTimeout as pause } from 'node:timers/promises'

import { JAIL_UPDATE, JailDescriptor, jailRemoveSync, jailSetSync, watchJail, type JailEvent, type JailWatch } from 'buildjail/freebsd'

import { group, shows, type Group } from '../case.ts'
import type { Seen } from '../seen.ts'
import { keepProcess } from './dying.ts'

const page = 'kqueue(2), EVFILT_JAIL'
const knote = 'sys/kern/kern_jail.c:prison_knote'

/** What comes within a time, as JSON. */
async function told(watch: JailWatch, count: number): Promise<Seen[]> {
  const events: JailEvent[] = []
  for (let at = 0; at < count; at += 1) {
    const stop = new AbortController()
    const event = await Promise.race([watch.next(), pause(3000, undefined, { signal: stop.signal }).catch(() => undefined)])
    stop.abort()
    if (event === undefined) break
    events.push(event)
  }
  return events.map((event) => ({ ...event }))
}

export const events: Group = group('events', 'events of jails', [
  shows('set', 'NOTE_JAIL_SET: a parameter was set', [{ kind: 'set' }], [page], async (on) => {
    const jid = on.set()
    using watch = watchJail({ jid })
    on.set({ path: undefined, 'host.hostname': 'x' }, JAIL_UPDATE)
    return await told(watch, 1)
  }),
  shows('attach', 'NOTE_JAIL_ATTACH: a process came in, with its pid', true, [page], async (on) => {
    const jid = on.set()
    using watch = watchJail({ jid })
    const { pid } = await on.start({ jid }, ['/bin/sleep', '1000'])
    const [event] = await told(watch, 1)
    return (event as { readonly pid?: number }).pid === pid
  }),
  shows('child', 'NOTE_JAIL_CHILD: a jail was made below it, with its jid', true, [page], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    using watch = watchJail({ jid })
    const below = on.set({ name: `${on.name}.below` })
    const [event] = await told(watch, 1)
    return (event as { readonly jid?: number }).jid === below
  }),
  shows('remove', 'NOTE_JAIL_REMOVE comes, and nothing after it', [{ kind: 'remove' }], [page], async (on) => {
    const jid = on.set()
    using watch = watchJail({ jid })
    jailRemoveSync(jid)
    return await told(watch, 2)
  }),
  shows('remove-with-processes', 'NOTE_JAIL_REMOVE: the jail has been removed, with its processes', 'gone', [page], async (on) => {
    const jid = on.set()
    await keepProcess(on, jid)
    using watch = watchJail({ jid })
    jailRemoveSync(jid)
    const [event] = await told(watch, 1)
    if ((event as { readonly kind?: string } | undefined)?.kind !== 'remove') return 'not told'
    return (await on.outside(`jls -d -j ${jid} dying`)) === 'true' ? 'dying' : 'gone'
  }, {
    deviation: {
      seen: 'dying',
      because: 'it is told when the jail begins to die, before its processes are killed; that it is gone is not told',
      cites: ['sys/kern/kern_jail.c:prison_cleanup_locked'],
    },
  }),
  shows('descriptor', 'EVFILT_JAILDESC tells the same', [{ kind: 'set' }, { kind: 'remove' }], ['kqueue(2), EVFILT_JAILDESC', 'sys/kern/kern_jaildesc.c:jaildesc_kqops_event'], async (on) => {
    using jail = JailDescriptor.getSync({ jid: on.set() })
    using watch = watchJail(jail)
    jail.setSync({ 'host.hostname': 'x' })
    const first = await told(watch, 1)
    jail.removeSync()
    return [...first, ...(await told(watch, 1))]
  }),
  shows('many-children', 'several jails made at once: NOTE_JAIL_MULTI, and no jid', true, [page], async (on) => {
    const jid = on.set({ 'children.max': 3 })
    using watch = watchJail({ jid })
    for (const name of ['a', 'b', 'c']) jailSetSync({ name: `${on.name}.${name}`, path: '/', persist: true }, 1)
    const first = (await told(watch, 1))[0] as { readonly isMultiple?: boolean; readonly jid?: number } | undefined
    // They may have been read one by one: each then has its jid.
    return first?.isMultiple === true ? first.jid === undefined : first?.jid !== undefined
  }),
  shows('set-of-a-failure', 'a jail_set that is refused by a parameter tells nothing', [{ kind: 'remove' }], [knote], async (on) => {
    const jid = on.set()
    using watch = watchJail({ jid })
    await on.refusal(() => on.set({ path: undefined, 'no.such': 1 }, JAIL_UPDATE))
    jailRemoveSync(jid)
    return await told(watch, 1)
  }),
], ['jailDescriptors'])
