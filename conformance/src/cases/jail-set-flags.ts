import { JAIL_AT_DESC, JAIL_CREATE, JAIL_UPDATE, JAIL_USE_DESC } from 'buildjail/freebsd'

import { ByRelease, group, refuses, shows, source, type Group } from '../case.ts'

const { set } = source
const errors = 'jail(2), ERRORS'
const flags = 'jail(2), DESCRIPTION, flags of jail_set'
/** Flags of descriptors are unknown before. */
const descriptors = (is: string): ByRelease => new ByRelease([{ from: 1_500_000, is }, { from: 0, is: 'EINVAL' }])

export const jailSetFlags: Group = group('set-flags', 'jail_set: flags, and which jail', [
  refuses('no-operation', 'neither JAIL_CREATE nor JAIL_UPDATE', 'EINVAL: no valid operation (create or update)', [errors, set], (on) => on.set({}, 0)),
  refuses('unknown-flag', 'a flag that is none', 'EINVAL', [set, 'sys/sys/jail.h:JAIL_SET_MASK'], (on) => on.set({}, JAIL_CREATE | 0x100)),
  refuses('two-descriptor-flags', 'JAIL_USE_DESC and JAIL_AT_DESC together', 'EINVAL', [flags, set], (on) => on.set({ desc: 0 }, JAIL_UPDATE | JAIL_USE_DESC | JAIL_AT_DESC)),
  refuses('missing-desc', 'JAIL_USE_DESC without the parameter desc', descriptors('ENOENT: missing desc'), [set], (on) => on.set({}, JAIL_UPDATE | JAIL_USE_DESC)),
  refuses('missing-desc-at', 'JAIL_AT_DESC without the parameter desc', descriptors('ENOENT: missing desc'), [set], (on) => on.set({}, JAIL_CREATE | JAIL_AT_DESC)),
  refuses('unexpected-desc', 'the parameter desc without a flag of descriptors', 'EINVAL: unexpected desc', [set], (on) => on.set({ desc: 0 }, JAIL_CREATE), { needs: ['jailDescriptors'] }),
  refuses('desc-of-another-size', 'desc as a text', 'EINVAL', [errors, set], (on) => on.set({ desc: 'ab' }, JAIL_UPDATE | JAIL_USE_DESC)),
  refuses('desc-not-open', 'a descriptor that is not open', descriptors('EBADF: not a jail descriptor'), [set, 'sys/kern/kern_jaildesc.c:jaildesc_find'], (on) => on.set({ name: undefined, path: undefined, desc: 9999 }, JAIL_UPDATE | JAIL_USE_DESC)),
  refuses('desc-of-a-pipe', 'a descriptor of something else', descriptors('EINVAL: not a jail descriptor'), [set, 'sys/kern/kern_jaildesc.c:jaildesc_find'], (on) => on.set({ name: undefined, path: undefined, desc: 1 }, JAIL_UPDATE | JAIL_USE_DESC)),
  refuses('no-persist', 'a new jail that neither persists nor gets a process', 'EINVAL: new jail must persist or attach', ['jail(8), persist', set], (on) => on.set({ persist: undefined })),
  refuses('nopersist', 'the same, said', 'EINVAL: new jail must persist or attach', ['jail(8), persist', set], (on) => on.set({ persist: false })),
  refuses('name-taken', 'JAIL_CREATE of a name that is taken', 'EEXIST: jail "NAME" already exists', [errors, set], (on) => {
    on.set()
    on.set()
  }),
  refuses('jid-taken', 'JAIL_CREATE of a jid that is taken', 'EEXIST: jail JID already exists', [errors, set], (on) => {
    const jid = on.set()
    return asJid(jid, () => on.set({ name: `${on.name}-second`, jid }))
  }),
  refuses('update-no-name', 'JAIL_UPDATE of a name that is not there', 'ENOENT: jail "NAME" not found', [errors, set], (on) => on.set({ path: undefined }, JAIL_UPDATE)),
  refuses('update-no-jid', 'JAIL_UPDATE of a jid that is not there', 'ENOENT: jail 999998 not found', [errors, set], (on) => on.set({ name: undefined, path: undefined, jid: 999_998 }, JAIL_UPDATE)),
  refuses('update-nothing', 'JAIL_UPDATE without jid and name', 'ENOENT: update specified no jail', [errors, set], (on) => on.set({ name: undefined, path: undefined }, JAIL_UPDATE)),
  refuses('negative-jid', 'a jid below zero', 'EINVAL: negative jid', [errors, set], (on) => on.set({ jid: -5 })),
  refuses('rename-onto', 'a jail may not get the name of another', 'EEXIST: jail "NAME" already exists', [errors, set], (on) => {
    on.set()
    on.set({ jid: on.set({ name: `${on.name}-second` }), path: undefined }, JAIL_UPDATE)
  }),
  shows('create-or-update-creates', 'JAIL_CREATE and JAIL_UPDATE together create what is not there', true, [flags], (on) => on.set({ path: undefined }, JAIL_CREATE | JAIL_UPDATE) === on.get('jid')),
  shows('create-or-update-updates', 'the two together change what is there', ['changed', true], [flags], (on) => {
    const jid = on.set()
    const same = on.set({ path: undefined, 'host.hostname': 'changed' }, JAIL_CREATE | JAIL_UPDATE) === jid
    return [on.get('host.hostname'), same]
  }),
  refuses('create-or-update-path', 'the two together with a path, also where there is no such jail', 'EINVAL: path cannot be changed after creation', [set], (on) => on.set({}, JAIL_CREATE | JAIL_UPDATE)),
  shows('update-gives-jid', 'JAIL_UPDATE gives the jid', true, ['jail(2), RETURN VALUES'], (on) => on.set() === on.set({ path: undefined, 'allow.chflags': true }, JAIL_UPDATE)),
  shows('nothing-on-error', 'of a jail_set that fails nothing is there', ['EINVAL: unknown parameter: no.such', 'ENOENT: jail "NAME" not found'], [set], async (on) => [
    await on.refusal(() => on.set({ 'no.such': 1 })),
    await on.refusal(() => on.get('jid')),
  ]),
  shows('no-change-on-error', 'a jail_set that fails changes nothing', ['EINVAL: unknown parameter: no.such', 'before'], [set], async (on) => {
    on.set({ 'host.hostname': 'before' })
    return [await on.refusal(() => on.set({ path: undefined, 'host.hostname': 'after', 'no.such': 1 }, JAIL_UPDATE)), on.get('host.hostname')]
  }),
  shows('dying-flag', 'JAIL_DYING has no effect', true, [flags], (on) => on.set({}, JAIL_CREATE | 0x08) > 0),
])

/** The number is another each time. */
async function asJid(jid: number, call: () => unknown): Promise<void> {
  try {
    await call()
  } catch (error) {
    const { code, detail } = error as { readonly code: string; readonly detail?: string }
    throw Object.assign(new Error(code), { code, detail: detail?.replace(String(jid), 'JID') })
  }
}
