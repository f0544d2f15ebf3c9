import type { Readable, Writable } from 'node:stream'

import { InvalidCommandError, typed } from '../errors.ts'
import { checkSignal, type Signal } from '../command/options.ts'
import { readableOf, writableOf } from '../command/stdio.ts'
import type { NativeFreebsdEvents, NativeProcessEnd, NativeSpawn } from '../native/freebsd.ts'
import { JailDescriptor } from './jail-descriptor.ts'
import { getting, keyPair, type JailKey } from './jails.ts'
import { nativeEvents } from './native.ts'
import { booleanIn, checkedObject, copied, isText, refuseOthers } from './refusal.ts'
import { atOnce, now, promised, step, type Steps } from './steps.ts'

/**
 * What a child does on its way into a jail, in this order, with the call that it makes. The sessions of this package do all of them.
 * - `setsid`: a session of its own (setsid(2))
 * - `setlogin`: no login name (setlogin(2))
 * - `arguments`: this program's arguments are replaced (the sysctl kern.proc.args): the jail could read them until execve(2)
 * - `loginclass`: `loginClass`, where that was given (setloginclass(2))
 * - `stdio`: `stdio` to 0, 1 and 2 (dup2(2))
 * - `close-range`: everything above 2 is closed (close_range(2)); with a directory open jail_attach(2) is `EPERM`
 * - `tracing`: no process may trace it until execve(2) (procctl(2), PROC_TRACE_CTL)
 * - `protection`: it may be ended when memory runs out (procctl(2), PROC_SPROTECT), also where this program is protected (protect(1))
 * - `cores`: no core files (setrlimit(2), RLIMIT_CORE)
 * - `terminals`: at most 128 terminals (RLIMIT_NPTS)
 * - `limits`: `limits` (setrlimit(2))
 * - `groups`: `groups` (setgroups(2))
 * - `gid`: `gid`, real, effective and saved (setresgid(2))
 * - `attach`: into the jail (jail_attach(2))
 * - `root`: its root is that of the jail that was meant (lstat(2)), else `ESRCH`
 * - `fib`: `fib`, where that was given (setfib(2))
 * - `null`: the jail's /dev/null where `stdio` says `ignore` (open(2))
 * - `umask`: `umask` (umask(2))
 * - `uid`: `uid`, real, effective and saved (setresuid(2))
 * - `cwd`: `cwd`, as that user (chdir(2)); jail_attach(2) has made it the root
 * - `no-new-privileges`: set-id programs give nothing (procctl(2), PROC_NO_NEW_PRIVS_CTL)
 * - `parent-death`: a signal when this program dies (procctl(2), PROC_PDEATHSIG_CTL)
 * - `signals`: every signal at its default, none blocked (sigaction(2), sigprocmask(2))
 */
export type ForkStep =
  | 'setsid'
  | 'setlogin'
  | 'arguments'
  | 'loginclass'
  | 'stdio'
  | 'close-range'
  | 'tracing'
  | 'protection'
  | 'cores'
  | 'terminals'
  | 'limits'
  | 'groups'
  | 'gid'
  | 'attach'
  | 'root'
  | 'fib'
  | 'null'
  | 'umask'
  | 'uid'
  | 'cwd'
  | 'no-new-privileges'
  | 'parent-death'
  | 'signals'

const allPipes = ['pipe', 'pipe', 'pipe'] as const

// By the position of each in native/freebsd/jail_child.h, where the terminal is 4.
const order: readonly (ForkStep | undefined)[] = [
  'setsid', 'setlogin', 'arguments', 'loginclass', undefined, 'stdio', 'close-range', 'tracing', 'protection', 'cores', 'terminals', 'limits',
  'groups', 'gid', 'attach', 'root', 'fib', 'null', 'umask', 'uid', 'cwd', 'no-new-privileges', 'parent-death', 'signals',
]

/** All steps, in their order. */
export const forkSteps: readonly ForkStep[] = order.filter((one) => one !== undefined)

const resources = ['cpu', 'fsize', 'data', 'stack', 'core', 'rss', 'memlock', 'nproc', 'nofile', 'sbsize', 'vmem', 'npts', 'swap', 'kqueues', 'umtxp'] as const

/** A resource of setrlimit(2). */
export type Resource = (typeof resources)[number]

/** RLIM_INFINITY. */
export const RLIM_INFINITY = 0x7fff_ffff_ffff_ffffn

/** `ignore`: the jail's /dev/null, if it has one; `pipe`: a stream in this program; a number: a descriptor of this program, which the child gets a copy of. */
export type SpawnStdio = 'ignore' | 'pipe' | 'inherit' | number

export interface SpawnInJailOptions {
  /** A path in the jail. Default `/`. */
  readonly cwd?: string
  /** The whole environment. Default: empty. A program without a slash is looked for on its `PATH`. */
  readonly env?: Readonly<Record<string, string>>
  /** 0 to 4294967294; default 0. The user may be one that no passwd(5) knows. */
  readonly uid?: number
  /** Default 0. */
  readonly gid?: number
  /** Supplementary groups; default none. */
  readonly groups?: readonly number[]
  /** Default 0o022. */
  readonly umask?: number
  /**
   * The routing table of its sockets (setfib(2); jail(8), exec.fib), from 0. It must be below net.fibs of the jail's network, else the call fails with `EINVAL` of
   * `setfib`. Default: this program's; where the jail's network lacks it, the call fails with `EINVAL` of `jail_attach`.
   */
  readonly fib?: number
  /** The login class that the kernel counts it by (setloginclass(2)). Default: this program's. */
  readonly loginClass?: string
  /** For each resource one number for both limits, or the soft and the hard limit. Bytes, seconds, numbers. */
  readonly limits?: Readonly<Partial<Record<Resource, number | bigint | readonly [soft: number | bigint, hard: number | bigint]>>>
  /** Default true; false leaves `no-new-privileges` out. */
  readonly noNewPrivileges?: boolean
  /** Default SIGKILL; false leaves `parent-death` out. */
  readonly parentDeathSignal?: NodeJS.Signals | false
  /** Default false. True leaves `tracing` out. */
  readonly tracing?: boolean
  /** Default: all three `pipe`. */
  readonly stdio?: readonly [stdin: SpawnStdio, stdout: SpawnStdio, stderr: SpawnStdio]
  /** Steps to leave out, so that a test can see what each of them prevents. */
  readonly without?: readonly ForkStep[]
}

/** The end of a process, as wait4(2) reports it. */
export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** Milliseconds of processor time, with that of the descendants that it waited for. */
  readonly userMs: number
  readonly systemMs: number
  /**
   * Bytes, as the kernel samples them at its clock ticks: 0 where the process ended between two ticks. Until execve(2) the child shares this program's memory, so the
   * number can be this program's size.
   */
  readonly maxRssBytes: number
}

/** A process that was started in a jail. This program waits for it, and its event loop stays alive until the process ends. */
export class JailProcess {
  readonly pid: number
  /** Null unless `stdio` says `pipe`. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Resolves at its end. Never rejects. */
  readonly ended: Promise<ProcessEnd>
  readonly #events: NativeFreebsdEvents
  #isOver = false

  /** @internal Use `spawnInJail`. */
  constructor(events: NativeFreebsdEvents, pid: number, [stdin = -1, stdout = -1, stderr = -1]: readonly number[]) {
    this.pid = pid
    this.#events = events
    this.stdin = stdin < 0 ? null : writableOf(stdin)
    this.stdout = stdout < 0 ? null : readableOf(stdout)
    this.stderr = stderr < 0 ? null : readableOf(stderr)
    let tell: (end: ProcessEnd) => void = () => {}
    this.ended = new Promise((resolve) => {
      tell = resolve
    })
    try {
      const wait = events.waitForEnd(pid, (end) => {
        this.#isOver = true
        events.over(wait)
        tell(endOf(end))
      })
    } catch (error) {
      for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy()
      throw typed(error)
    }
  }

  /** kill(2). False if the process has ended. */
  kill(signal: Signal = 'SIGTERM'): boolean {
    checkSignal(signal)
    return !this.#isOver && atOnce(() => this.#events.signal(this.pid, signal))
  }

  /** Waits for its end. `stdout` and `stderr` are what it wrote; empty where there is no pipe. */
  async output(): Promise<ProcessEnd & { readonly stdout: string; readonly stderr: string }> {
    const [stdout, stderr, end] = await Promise.all([textOf(this.stdout), textOf(this.stderr), this.ended])
    return { ...end, stdout, stderr }
  }
}

/**
 * Starts a program in a jail: rfork(2) with RFSPAWN, then `forkSteps`, then execve(2), as the commands of sessions are started. It returns when the program
 * executes.
 *
 * Where the folder of the jail's root was renamed since the jail was made, a first child finds the root from inside. Watchers of the jail see that child as one more
 * `attach`.
 *
 * Root of a jail may start programs in the jails below it. It may not end the protection of protect(1), so the step `protection` fails with `EPERM` where this program
 * is protected and its children inherit that.
 *
 * `jailSet` says what a program with `uid` 0 can do in a jail with `vnet`.
 *
 * jail_attach(2), setuid(2) and chroot(2) of the calling process are not offered: they act on all threads of the JavaScript runtime and cannot be undone, and
 * jail_attach(2) fails while the process has a directory open, as this one may. A child makes these calls instead.
 * @param argv the program and its arguments; the program is a path in the jail, or a name on `PATH` of `env`
 * @throws SystemCallError of the step that failed, whose call is `syscall`; no program was executed then. Of `kqueuex` or `kevent`: the program could not be waited
 * for, and was killed.
 */
export function spawnInJail(jail: JailKey | JailDescriptor, argv: readonly string[], options: SpawnInJailOptions = {}): Promise<JailProcess> {
  return promised(spawning(jail, argv, options))
}

/** `spawnInJail` on the spot. */
export function spawnInJailSync(jail: JailKey | JailDescriptor, argv: readonly string[], options: SpawnInJailOptions = {}): JailProcess {
  return now(spawning(jail, argv, options))
}

function* spawning(jail: JailKey | JailDescriptor, argv: readonly string[], options: SpawnInJailOptions): Steps<JailProcess> {
  const events = nativeEvents('spawnInJail')
  const program = programOf(argv, options)
  const { jid } = JailDescriptor.isOne(jail) ? yield* jail.steps(['jid']) : yield* getting(keyPair(jail), ['jid'], 0, {})
  const request = { ...program, jid: Number(jid) }
  const { pid, pipes } = yield* step((isNow) => events.spawnInJail(request, isNow))
  return new JailProcess(events, pid, pipes)
}

const call = 'spawnInJail'
/** Beyond that many no kernel executes a program: each takes two bytes of ARG_MAX, at least (execve(2), E2BIG). */
const mostTexts = 2 ** 20

/** The program and the steps for native code. Each option is read once, because a getter may answer otherwise the second time. */
function programOf(argv: readonly string[], options: SpawnInJailOptions): Omit<NativeSpawn, 'jid'> {
  const { uid = 0, gid = 0, groups = [], umask = 0o022, fib, cwd = '/', env = {}, limits = {}, loginClass, parentDeathSignal = 'SIGKILL', stdio = allPipes, without = [], noNewPrivileges: isBound, tracing: isTraced, ...others } = checkedObject(options, call, 'options')
  refuseOthers(others, call)
  const noNewPrivileges = booleanIn(isBound, true, call, 'noNewPrivileges')
  const tracing = booleanIn(isTraced, false, call, 'tracing')
  const words = copied(argv, mostTexts, call, 'argv', isText, 'a text')
  const variables = Object.entries(checkedObject(env, call, 'env'))
  if (words.length === 0 || words[0] === '') throw refuse('argv', 'needs a program')
  const texts: readonly unknown[] = [...words, ...variables.flat(), cwd, loginClass ?? '']
  if (texts.some((text) => !isText(text) || text.includes('\0'))) throw refuse('argv', 'must be texts without a NUL character, as must env, cwd and loginClass')
  if (isText(parentDeathSignal)) checkSignal(parentDeathSignal, 'parentDeathSignal')
  const leftOut = new Set<ForkStep>([
    ...copied(without, forkSteps.length, call, 'without', isText, 'the name of a step'),
    ...(noNewPrivileges ? [] : (['no-new-privileges'] as const)),
    ...(parentDeathSignal === false ? (['parent-death'] as const) : []),
    ...(tracing ? (['tracing'] as const) : []),
    ...(loginClass === undefined ? (['loginclass'] as const) : []),
  ])
  for (const one of leftOut) if (!forkSteps.includes(one)) throw refuse('without', `${one} is no step; steps are ${forkSteps.join(', ')}`)
  return {
    argv: words,
    environment: variables.map(([name, value]) => `${name}=${value}`),
    cwd,
    loginClass: loginClass ?? '',
    uid,
    gid,
    groups,
    umask,
    fib,
    parentDeathSignal: parentDeathSignal === false ? '' : parentDeathSignal,
    leftOut: [...leftOut].map((one) => order.indexOf(one)),
    limits: limitsOf(limits),
    stdio: copied(stdio, 3, call, 'stdio', () => true, '').map((one, at) => (one === 'inherit' ? at : one)),
  }
}

function limitsOf(limits: NonNullable<SpawnInJailOptions['limits']>): NativeSpawn['limits'] {
  const given = Object.entries(checkedObject(limits, call, 'limits'))
  const unknown = given.find(([name]) => !resources.includes(name as Resource))
  if (unknown !== undefined) throw refuse(`limits.${unknown[0]}`, `is no resource; resources are ${resources.join(', ')}`)
  const both = given.map(([name, bounds = RLIM_INFINITY]) => [name, typeof bounds === 'object' ? bounds : [bounds, bounds]] as const)
  return Object.fromEntries(both)
}

function refuse(entry: string, message: string): InvalidCommandError {
  return new InvalidCommandError(entry, message, 'launch')
}

function endOf({ exitCode, signal, userUs, systemUs, maxRssBytes }: NativeProcessEnd): ProcessEnd {
  return { exitCode: exitCode ?? null, signal: (signal as NodeJS.Signals | undefined) ?? null, userMs: userUs / 1000, systemMs: systemUs / 1000, maxRssBytes }
}

async function textOf(stream: Readable | null): Promise<string> {
  if (stream === null) return ''
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}
