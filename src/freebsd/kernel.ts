import { release } from 'node:os'

import type { NativeKernel } from '../native/freebsd.ts'
import { native } from './native.ts'
import { atOnce, now, promised, step, type Steps } from './steps.ts'

/** The kernel that runs, and what of jails it can do. */
export interface Kernel {
  /** kern.osrelease: `15.1-RELEASE-p1`. */
  readonly release: string
  /** kern.osreldate (getosreldate(3)): 1501000 for 15.1. */
  readonly osreldate: number
  readonly features: {
    /** `JailDescriptor`, and events of jails (EVFILT_JAIL, EVFILT_JAILDESC): 15.0. */
    readonly jailDescriptors: boolean
    /** The parameters `meta` and `env`: 15.0. */
    readonly jailMetadata: boolean
    /** Network stacks of a jail's own (options VIMAGE). */
    readonly vnet: boolean
    /** What a jail uses is counted and can be limited (kern.racct.enable, set when the system starts). */
    readonly rctl: boolean
    /** nullfs mounts files too: 14.0. Absent while the module is not loaded. */
    readonly nullfsFiles?: boolean
  }
}

/**
 * What runs here. Features are looked up in the kernel, as versions between releases may have them or not.
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
 * kldfind(2) and modfind(2): whether a file of the kernel is loaded (`nullfs` or `nullfs.ko`), or there is a module of that name, without `.ko`, in
 * one that is, such as the kernel itself.
 */
export function kldLoaded(name: string): boolean {
  const freebsd = native('kldLoaded')
  return atOnce(() => freebsd.isLoaded(name))
}

/**
 * kldload(2): loads a file of the kernel, as `if_epair`. Loaded already: nothing to do. It stays, also when this program ends.
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
