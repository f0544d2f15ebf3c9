import { InvalidCommandError } from '../errors.ts'

/** A signal by its name, or by the number that the system has for it. */
export type Signal = NodeJS.Signals | number

// Those that Linux and FreeBSD both have, as native/base/signals.cc lists them. Native code looks up the number: a
// JavaScript runtime may take a name for another number than the system does.
const names: ReadonlySet<unknown> = new Set([
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGUSR1',
  'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN',
  'SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGPROF', 'SIGVTALRM', 'SIGWINCH', 'SIGIO', 'SIGSYS',
] satisfies NodeJS.Signals[])

/** Of signal(7) and signal(3): the real-time ones are the last. */
const highest = process.platform === 'freebsd' ? 126 : 64

/** @throws InvalidCommandError */
export function checkSignal(signal: unknown, entry = 'signal'): asserts signal is Signal {
  if (names.has(signal) || (Number.isInteger(signal) && (signal as number) >= 1 && (signal as number) <= highest)) return
  throw new InvalidCommandError(entry, `${String(signal)} is neither the name nor the number of a signal`, 'kill')
}
