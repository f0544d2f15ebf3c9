import { JailDescriptor } from './jail-descriptor.ts'
import { getting, keyPair, type JailKey } from './jails.ts'
import { native } from './native.ts'
import { refusal } from './refusal.ts'
import { now, promised, step, type Steps } from './steps.ts'

/**
 * SIOCIFCREATE2 (ifconfig(8), create): makes a network interface of a kind that can be cloned, such as `epair`, `lo`, `bridge` or `tap`.
 * @param name the kind, which takes the next free number, or a whole name, such as `epair7`
 * @returns its name; of epair(4) that of the first end, `epair0a`. The other end is `epair0b`
 * @throws SystemCallError `EEXIST` where the name is taken; `EINVAL` where the kernel does not have the kind, because its module is not loaded
 * (`kldLoad('if_epair')`), and for the name of one end of an epair(4)
 */
export function interfaceCreate(name: string): Promise<string> {
  return promised(creating(name))
}

/** `interfaceCreate` on the spot. */
export function interfaceCreateSync(name: string): string {
  return now(creating(name))
}

/**
 * SIOCIFDESTROY (ifconfig(8), destroy). Destroys both ends of an epair(4).
 * @throws SystemCallError `ENXIO` where the network of this program has no interface of that name; it may have been lent to a jail
 */
export function interfaceDestroy(name: string): Promise<void> {
  return promised(destroying(name))
}

/** `interfaceDestroy` on the spot. */
export function interfaceDestroySync(name: string): void {
  now(destroying(name))
}

/**
 * SIOCSIFVNET (ifconfig(8), vnet; jail(8), vnet.interface): lends an interface of this program's network to a jail with a network stack of its own. The interface
 * disappears from this network, loses its addresses and leaves its bridge(4). The other end of an epair(4) stays where it is.
 *
 * The kernel moves the interface back to the network in which it was made when it removes the network of the jail. That is some time after `jailRemove`: after the
 * last process of the jail has ended and its last socket is closed. `interfaceReclaim` moves it at once. Root of the jail may rename the interface, and it comes
 * back under the new name.
 * @throws SystemCallError `ENXIO` where this network has no interface of that name; `EEXIST` where the jail has one already, and, with `entry` `jail`, where the jail
 * has no network stack of its own; `ENOENT` of `jail_get` where there is no such jail; `EPERM` where this program is in a jail without a network stack of its own
 */
export function interfaceLend(name: string, jail: JailKey | JailDescriptor): Promise<void> {
  return promised(lending(name, jail))
}

/** `interfaceLend` on the spot. */
export function interfaceLendSync(name: string, jail: JailKey | JailDescriptor): void {
  now(lending(name, jail))
}

/**
 * SIOCSIFRVNET (ifconfig(8), -vnet): moves an interface from the network stack of a jail to this program's network. It loses its addresses. An interface that was
 * made in the jail can be moved too, but the kernel destroys it when it removes the network of the jail.
 * @throws SystemCallError `ENXIO` where the jail has no interface of that name; `EEXIST` where this network has one already, such as `lo0`, and, with `entry` `jail`,
 * where the jail has no network stack of its own; `ENOENT` of `jail_get` where there is no such jail
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
 * The jid of a jail with a network stack of its own. For a jail without one the kernel would use the stack that it shares with the jail above it (if_vmove_loan
 * in sys/net/if.c).
 */
function* withOwnStack(jail: JailKey | JailDescriptor): Steps<number> {
  const names = ['jid', 'vnet']
  const { jid, vnet } = JailDescriptor.isOne(jail) ? yield* jail.steps(names) : yield* getting(keyPair(jail), names, 0, {})
  if (vnet !== 'new') throw refusal('ioctl', 'EEXIST', 'jail', `jail ${Number(jid)} has no network stack of its own`)
  return Number(jid)
}
