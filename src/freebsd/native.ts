import { unsupportedPlatform } from '../errors.ts'
import { listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import type { NativeFreebsd, NativeFreebsdEvents } from '../native/freebsd.ts'

/** Whether the calls of this module exist here: true on FreeBSD. Whether this process may make them, the kernel decides. */
export const supported: boolean = process.platform === 'freebsd'

/** @throws UnsupportedError naming the call, on other systems */
export function native(call: string): NativeFreebsd {
  if (process.platform !== 'freebsd') throw unsupportedPlatform(call)
  const { freebsd } = binding()
  if (freebsd === undefined) throw unsupportedPlatform(call)
  return freebsd
}

/** As `native`, for events. */
export function nativeEvents(call: string): NativeFreebsdEvents {
  native(call)
  const { freebsdEvents } = binding()
  if (freebsdEvents === undefined) throw unsupportedPlatform(call)
  listenOnce()
  return freebsdEvents
}
