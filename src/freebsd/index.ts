/// <reference types="node" preserve="true" />
/**
 * The system calls of FreeBSD that sessions are built on, one function for each: for tests at the level of the system call, for measuring, and for tools that
 * manage jails. Each has a promise form and a synchronous form, `...Sync`, for a call at an exact moment. Errors are SystemCallError, with `errno`, `syscall` and
 * the kernel's own explanation in `detail`.
 *
 * On other systems this module loads, `supported` is false, and every call rejects or throws an UnsupportedError.
 *
 * jail_attach(2), setuid(2) and chroot(2) act on the whole process and cannot be undone, so this module does not have them: `spawnInJail` makes them in a child.
 */
export { supported } from './native.ts'
export type { CallOptions } from './refusal.ts'
export {
  jailGet,
  jailGetSync,
  jailList,
  jailListSync,
  jailParameters,
  jailParametersSync,
  jailRemove,
  jailRemoveSync,
  jailSet,
  jailSetSync,
  JAIL_AT_DESC,
  JAIL_CREATE,
  JAIL_DYING,
  JAIL_UPDATE,
  JAIL_USE_DESC,
} from './jails.ts'
export type { JailKey, JailParameter, JailParameters, JailParameterValue } from './jails.ts'
export { JailDescriptor } from './jail-descriptor.ts'
export type { OpenJailOptions } from './jail-descriptor.ts'
export { JailWatch, watchJail } from './watch.ts'
export type { JailEvent, WatchedBy, WatchJailOptions } from './watch.ts'
export * from './mounts.ts'
export type { FileSystem, MountEntry } from '../native/freebsd.ts'
export { DevfsRuleset, devfsRuleset } from './devfs.ts'
export type { DeviceKind, DevfsRule, NumberedDevfsRule } from './devfs.ts'
export { rctlAdd, rctlAddSync, rctlRemove, rctlRemoveSync, rctlRules, rctlRulesSync, rctlUsage, rctlUsageSync } from './rctl.ts'
export { cpusetOfJail, cpusetOfJailSync, setCpusetOfJail, setCpusetOfJailSync } from './cpuset.ts'
export {
  interfaceCreate,
  interfaceCreateSync,
  interfaceDestroy,
  interfaceDestroySync,
  interfaceLend,
  interfaceLendSync,
  interfaceReclaim,
  interfaceReclaimSync,
} from './interfaces.ts'
export { kernel, kernelSync, kldLoad, kldLoaded, kldLoadSync } from './kernel.ts'
export type { Kernel } from './kernel.ts'
export { forkSteps, JailProcess, RLIM_INFINITY, spawnInJail, spawnInJailSync } from './spawn.ts'
export type { ForkStep, ProcessEnd, Resource, SpawnInJailOptions, SpawnStdio } from './spawn.ts'
