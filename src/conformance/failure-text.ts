/** An error of a system call as cases have it: `EINVAL`, and where the kernel explains it `EINVAL: missing desc`. */
export function failureText(error: unknown): string {
  const { code, detail, message } = error as { readonly code?: unknown; readonly detail?: unknown; readonly message?: unknown }
  if (typeof code !== 'string') return String(message ?? error)
  // Our own words are no kernel's.
  if (code.startsWith('ERR_')) return `${code}: ${String(message)}`
  return typeof detail === 'string' && detail !== '' ? `${code}: ${detail}` : code
}

// strerror(3) of those that base programs print.
const errnos: Readonly<Record<string, string>> = {
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

/** The errno that a program of the base system tells of; where it tells of none, its own words. */
export function errnoIn(text: string): string {
  const found = Object.entries(errnos).find(([words]) => text.includes(words))
  return found?.[1] ?? text.trim()
}
