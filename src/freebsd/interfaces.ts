import { native } from './native.ts'
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

function* creating(name: string): Steps<string> {
  const freebsd = native('interfaceCreate')
  return yield* step((isNow) => freebsd.interfaceCreate(name, isNow))
}

function* destroying(name: string): Steps<void> {
  const freebsd = native('interfaceDestroy')
  yield* step((isNow) => freebsd.interfaceDestroy(name, isNow))
}
