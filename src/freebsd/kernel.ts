import { release } from 'node:os'

import type { NativeKernel } from '../native/freebsd.ts'
import { native } from './native.ts'
import { atOnce, now, promised, step, type Steps } from './steps.ts'

/** The running kernel, and which features of jails it has. */
export interface Kernel {
  /** kern.osrelease: `15.1-RELEASE-p1`. */
  readonly release: string
  /** kern.osreldate (getosreldate(3)): 1501000 for 15.1. */
  readonly osreldate: number
  readonly features: {
    /** `JailDescriptor`, and events of jails (EVFILT_JAIL, EVFILT_JAILDESC): since 15.0. */
    readonly jailDescriptors: boolean
    /** The parameters `meta` and `env`: since 15.0. */
    readonly jailMetadata: boolean
    /** A jail can have a network stack of its own (options VIMAGE). */
    readonly vnet: boolean
    /** The kernel counts what a jail uses, and can limit it (kern.racct.enable, set when the system starts). */
    readonly rctl: boolean
    /** nullfs mounts files too: since 14.0. Absent while the module is not loaded. */
    readonly nullfsFiles?: boolean
  }
}

/**
 * Looks up the running kernel. Each feature is asked of the kernel itself, because a version between two releases may or may not have it.
 * @throws SystemCallError
 */
export function kernel(): Promise<Kernel> {
  return promised(looking())
}

/** `kernel` on the spot. */
export function kernelSync(): Kernel {
  return now(looking())
}

/**
 * kldfind(2) and modfind(2): whether a file of that name is loaded (`nullfs` or `nullfs.ko`), or a loaded file, such as the kernel itself, has a module of
 * that name (without `.ko`).
 */
export function kldLoaded(name: string): boolean {
  const freebsd = native('kldLoaded')
  return atOnce(() => freebsd.isLoaded(name))
}

/**
 * kldload(2): loads a file of the kernel, such as `if_epair`. Does nothing if it is loaded already. It stays loaded when this program ends.
 * @throws SystemCallError `ENOENT` where there is no such file, `EPERM` in a jail or at a raised securelevel
 */
export function kldLoad(name: string): Promise<void> {
  return promised(loading(name))
}

/** `kldLoad` on the spot. */
export function kldLoadSync(name: string): void {
  now(loading(name))
}

function* loading(name: string): Steps<void> {
  const freebsd = native('kldLoad')
  yield* step((isNow) => freebsd.load(name, isNow))
}

export function* kernelSteps(): Steps<NativeKernel> {
  const freebsd = native('kernel')
  return yield* step((isNow) => freebsd.kernel(isNow))
}

function* looking(): Steps<Kernel> {
  const { osreldate, ...features } = yield* kernelSteps()
  return { release: release(), osreldate, features }
}
