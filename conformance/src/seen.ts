// What a case saw, in the form in which it is compared with what was expected.
import type { JailParameterValue } from 'buildjail/freebsd'

/** JSON, so that a report can hold it. */
export type Seen = string | number | boolean | null | readonly Seen[] | { readonly [name: string]: Seen }

/** The value of a jail parameter: a bigint becomes its decimal text, bytes become hexadecimal text, and a missing value becomes null. */
export function seenOf(value: JailParameterValue | undefined): Seen {
  if (value === undefined) return null
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return value
}

/** A value in words, for a terminal or a page. */
export function seenText(seen: Seen | undefined): string {
  if (seen === undefined) return ''
  return typeof seen === 'string' ? (seen === '' ? '(nothing)' : seen) : JSON.stringify(seen)
}

/** The error of a system call: `EINVAL`, or `EINVAL: missing desc` if the kernel explains it. */
export function failureText(error: unknown): string {
  const { code, detail, message } = error as { readonly code?: unknown; readonly detail?: unknown; readonly message?: unknown }
  if (typeof code !== 'string') return String(message ?? error)
  // An error of buildjail itself says nothing about the kernel, so its whole message is shown.
  if (code.startsWith('ERR_')) return `${code}: ${String(message)}`
  return typeof detail === 'string' && detail !== '' ? `${code}: ${detail}` : code
}

// The messages of strerror(3) that programs of the base system print in the cases.
const errnoOfMessage: Readonly<Record<string, string>> = {
  'Operation not permitted': 'EPERM',
  'Permission denied': 'EACCES',
  'No such file or directory': 'ENOENT',
  'Device busy': 'EBUSY',
  'Invalid argument': 'EINVAL',
  'Function not implemented': 'ENOSYS',
  'Protocol not supported': 'EPROTONOSUPPORT',
  'Address family not supported': 'EAFNOSUPPORT',
  'Read-only file system': 'EROFS',
  'No space left on device': 'ENOSPC',
  'File too large': 'EFBIG',
  'Cross-device link': 'EXDEV',
  'Operation not supported': 'EOPNOTSUPP',
  'No such process': 'ESRCH',
  "Can't assign requested address": 'EADDRNOTAVAIL',
  'Resource temporarily unavailable': 'EAGAIN',
  'Resource deadlock avoided': 'EDEADLK',
}

/** The errno that a program of the base system printed on stderr, or the printed text itself if it names none. */
export function errnoIn(text: string): string {
  const found = Object.entries(errnoOfMessage).find(([message]) => text.includes(message))
  return found?.[1] ?? text.trim()
}
