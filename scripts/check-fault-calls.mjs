// Whether the build for fault injection can let everything fail that can: each function of the C library that it is linked
// against is either wrapped (test/faults/native/calls.inc and its neighbours) or known here to be nothing that can fail.
import { wrappedSymbols } from '../test/faults/native/wrap-flags.mjs'
import { readDynamic } from './elf-dynamic.mjs'

/** No functions of the C library: Node-API, the C++ library and what compilers add. */
const elsewhere = /^(napi_|node_api_|_Z|__cxa_|_Unwind_|_ITM_|__gmon_start__|__gxx_personality|__libc_single_threaded|__tls_get_addr)/

const harmless = [
  // Memory and text.
  /^(w?mem(chr|cmp|cpy|move|set)|bcmp|str(n?cmp|n?len)|free|sig(empty|fill)set|sigismember|dirname|(__)?inet_(ntop|pton)|freeaddrinfo|freeifaddrs)$/,
  // Access control lists in memory, and what a file system has (fpathconf(2): -1 for what it has not).
  /^(acl_(free|from_text|get_entry|is_trivial_np|strip_np|to_text_np)|fpathconf)$/,
  // Parts of numbers and of messages in memory (makedev(3), cmsg(3), trunc(3), ceil(3), nan(3)), which not every compilation puts in line.
  /^(gnu_dev_(major|makedev|minor)|__cmsg_nxthdr|trunc|ceilf|nan)$/,
  // What errno is, and calls that always succeed (their manual pages, RETURN VALUE or ERRORS).
  /^(__errno_location|__error|__res_state|_exit|gete?[gu]id|getpid|getpgrp|umask|cfmakeraw|clock_gettime|gettimeofday|getpagesize|sysconf|__libc_current_sigrtmax)$/,
  // They only pause, say which system this is to whoever could not open a session on it, and look at our own memory.
  /^(nanosleep|uname|getenv)$/,
  // Questions, to which no is an answer.
  /^(fnmatch|isatty)$/,
  // Of what mmap(2) gave, and opendir(3).
  /^(dirfd|munmap)$/,
  // Which file this is: there is one.
  /^dladdr$/,
  // Threads, which tell by exceptions.
  /^(pthread_(cond_clockwait|create|mutex_((un|try)?lock)|once|setspecific|sigmask)|__once_proxy)$/,
  // Their one caller is wrapped in their stead.
  /^(vfork|rfork_thread)$/,
  // The build's own.
  /^(pause|waitid)$/,
]

/** One line about a complete list; throws an error that says what is missing. */
export function checkFaultCalls(addon, system) {
  const wrapped = new Set(wrappedSymbols(system))
  const names = readDynamic(addon).undefinedSymbols.map(({ name }) => name)
  const missing = names.filter((name) => !elsewhere.test(name) && !wrapped.has(name) && !harmless.some((known) => known.test(name)))
  if (missing.length === 0) return `${addon}: every call that can fail is wrapped, ${wrapped.size} in all`
  throw new Error(
    `${missing.join(', ')}: add to test/faults/native/calls.inc or calls_${system}.inc, or to scripts/check-fault-calls.mjs what cannot fail`,
  )
}
