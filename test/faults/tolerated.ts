import type { Case } from './walk.ts'

type Program = 'open' | 'launch' | 'close'

interface Tolerance {
  readonly program: Program
  readonly call: string
  /** Default: any. */
  readonly errno?: string
  /** Only where the calls before it are such. */
  readonly when?: (earlier: readonly string[]) => boolean
  readonly because: string
}

const isCommandRunning = (earlier: readonly string[]): boolean => earlier.includes('execve')
const isFirstKill = (earlier: readonly string[]): boolean => !earlier.includes('pidfd_send_signal')

/** Where a program goes on as if nothing had been, and why that takes nothing from the session. Anywhere else it has to fail. */
const tolerances: readonly Tolerance[] = [
  { program: 'open', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'launch', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'close', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'open', call: 'mknodat', errno: 'EPERM', because: 'root of a container may make no devices; the host\'s are bound, read-only' },
  { program: 'launch', call: 'waitpid', errno: 'EINTR', because: 'it is waited for again' },
  { program: 'launch', call: 'prctl', when: isCommandRunning, because: 'it gives the host program back what only it may lose: to be dumped' },
  { program: 'launch', call: 'open', when: isCommandRunning, because: 'the record of the session then lacks the credentials of the command' },
  { program: 'launch', call: 'read', when: isCommandRunning, because: 'the record of the session then lacks the credentials of the command' },
  { program: 'close', call: 'pidfd_send_signal', when: isFirstKill, because: 'it only begins early what is done again, and told, later' },
  { program: 'close', call: 'waitpid', errno: 'EINTR', because: 'it is waited for again' },
  { program: 'close', call: 'poll', errno: 'EINTR', because: 'it is waited for again' },
]

export function isTolerated(program: Program, { call, errno, earlier }: Case): boolean {
  return tolerances.some((one) => one.program === program && one.call === call && (one.errno ?? errno) === errno && (one.when?.(earlier) ?? true))
}
