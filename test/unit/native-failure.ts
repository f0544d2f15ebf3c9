import type { NativeFailure } from '../../src/errors.ts'

/** What native code says of a program that is not there, unless it is to say something else. */
export const nativeFailure = (more: Partial<NativeFailure> = {}): NativeFailure => ({
  code: 'ENOENT',
  errno: -2,
  syscall: 'execve',
  step: 'execve',
  reason: 'no such file or directory',
  ...more,
})
