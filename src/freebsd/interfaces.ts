import { JailDescriptor } from './jail-descriptor.ts'
import { getting, keyPair, type JailKey } from './jails.ts'
import { native } from './native.ts'
import { refusal } from './refusal.ts'
import { now, promised, step, type Steps } from './steps.ts'

/**
 * SIOCIFCREATE2 (ifconfig(8), create): a network interface of a kind that can be cloned, as `epair`, `lo`, `bridge` or `tap`.
 * @param name the kind, for the next free one, or the name of one
 * @returns its name; of epair(4) that of its first end, `epair0a`, whose other is `epair0b`
 * @throws SystemCallError `EEXIST` for a name that is taken, `EINVAL` for a kind that is not there, as while its module is not loaded (`kldLoad('if_epair')`),
 * and for the name of one end of an epair(4): that is made by `epair7`
 */
export function interfaceCreate(name: string): Promise<string> {
  return promised(creating(name))
}

/** `interfaceCreate` on the spot. */
export function interfaceCreateSync(name: string): string {
  return now(creating(name))
}

/**
 * SIOCIFDESTROY (ifconfig(8), destroy). Of epair(4) both ends go.
 * @throws SystemCallError `ENXIO` where there is none of that name here; one that a jail has is there
 */
export function interfaceDestroy(name: string): Promise<void> {
  return promised(destroying(name))
}

/** `interfaceDestroy` on the spot. */
export function interfaceDestroySync(name: string): void {
  now(destroying(name))
}

/**
 * SIOCSIFVNET (ifconfig(8), vnet; jail(8), vnet.interface): lends an interface of this program's network to a jail that has a network stack of its own. It is not seen
 * here any more. It loses its addresses, and leaves the bridge(4) that it is in; the other end of an epair(4) stays where it is.
 *
 * The kernel moves it back into the network in which it was made when it takes the network of the jail away. That is after the last process of the jail
 * has ended and its last socket is closed, some time after `jailRemove`; `interfaceReclaim` waits for none of it. The root of the jail may
 * rename it, and it keeps that name.
 * @throws SystemCallError `ENXIO` where this network has no interface of that name; `EEXIST` where the jail has one already, and, with `entry` `jail`, where the jail has no
 * network stack of its own; of `jail_get`, `ENOENT` where there is no such jail; `EPERM` in a jail without a network stack of its own
 */
export function interfaceLend(name: string, jail: JailKey | JailDescriptor): Promise<void> {
  return promised(lending(name, jail))
}

/** `interfaceLend` on the spot. */
export function interfaceLendSync(name: string, jail: JailKey | JailDescriptor): void {
  now(lending(name, jail))
}

/**
 * SIOCSIFRVNET (ifconfig(8), -vnet): takes an interface out of the network stack of a jail into this program's network. It loses its addresses. One that was made in
 * the jail can be taken out as well, and is destroyed nonetheless when the kernel takes the network of the jail away.
 * @throws SystemCallError `ENXIO` where the jail has no interface of that name; `EEXIST` where this network has one already, as `lo0`, and, with `entry` `jail`, where the
 * jail has no network stack of its own; of `jail_get`, `ENOENT` where there is no such jail
 */
export function interfaceReclaim(name: string, jail: JailKey | JailDescriptor): Promise<void> {
  return promised(reclaiming(name, jail))
}

/** `interfaceReclaim` on the spot. */
export function interfaceReclaimSync(name: string, jail: JailKey | JailDescriptor): void {
  now(reclaiming(name, jail))
}

function* creating(name: string): Steps<string> {
  const freebsd = native('interfaceCreate')
  return yield* step((isNow) => freebsd.interfaceCreate(name, isNow))
}

function* destroying(name: string): Steps<void> {
  const freebsd = native('interfaceDestroy')
  yield* step((isNow) => freebsd.interfaceDestroy(name, isNow))
}

function* lending(name: string, jail: JailKey | JailDescriptor): Steps<void> {
  const freebsd = native('interfaceLend')
  const jid = yield* withOwnStack(jail)
  yield* step((isNow) => freebsd.interfaceLend(name, jid, isNow))
}

function* reclaiming(name: string, jail: JailKey | JailDescriptor): Steps<void> {
  const freebsd = native('interfaceReclaim')
  const jid = yield* withOwnStack(jail)
  yield* step((isNow) => freebsd.interfaceReclaim(name, jid, isNow))
}

/**
 * The number of a jail with a network stack of its own. The kernel would take another for that of the one above it, whose stack it shares (if_vmove_loan in
 * sys/net/if.c).
 */
function* withOwnStack(jail: JailKey | JailDescriptor): Steps<number> {
  const names = ['jid', 'vnet']
  const { jid, vnet } = JailDescriptor.isOne(jail) ? yield* jail.steps(names) : yield* getting(keyPair(jail), names, 0, {})
  if (vnet !== 'new') throw refusal('ioctl', 'EEXIST', 'jail', `jail ${Number(jid)} has no network stack of its own`)
  return Number(jid)
}
