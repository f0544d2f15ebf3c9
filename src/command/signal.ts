import { BuildjailError } from '../errors.ts'

// Those that Linux and FreeBSD both have, as native/base/signal_name.cc lists them. By name only: what a JavaScript runtime
// takes for a signal's number need not be the system's.
const names: ReadonlySet<unknown> = new Set([
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGUSR1',
  'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN',
  'SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGPROF', 'SIGVTALRM', 'SIGWINCH', 'SIGIO', 'SIGSYS',
] satisfies NodeJS.Signals[])

/** @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` */
export function checkSignal(signal: NodeJS.Signals): void {
  if (names.has(signal)) return
  throw new BuildjailError('ERR_BUILDJAIL_INVALID_COMMAND', `signal: ${String(signal)} is not the name of a signal`, { entry: 'signal', step: 'kill' })
}
