import { inOneLine } from './spec/messages.ts'

/**
 * How a process or a mount holds the thing. A process holds a busy mount, in the words of fstat(1), by an `open-file`, its `cwd`, its `root` or
 * `jail` directory, its program (`text`), a `mapping`, the file that ktrace(1) writes to (`trace`), its terminal (`ctty`) or a `socket` that is
 * bound to a path there. Another program's `mount` in it or from it holds it as well. A jail that does not die is held by a `socket` that its user
 * made. A process that does not end is the `process` itself, or the `tracer` that stops it.
 */
export type HolderKind =
  | 'open-file'
  | 'cwd'
  | 'root'
  | 'jail'
  | 'text'
  | 'mapping'
  | 'trace'
  | 'ctty'
  | 'socket'
  | 'mount'
  | 'process'
  | 'tracer'

/** A process or mount that keeps something of a session from being taken away. */
export interface Holder {
  readonly kind: HolderKind
  /** Absent for a mount. */
  readonly pid?: number
  readonly command?: string
  /** Of the thing that is held, on the host; for a socket as it was bound. Absent where the thing has no path any more. */
  readonly path?: string
  /** Of a process that does not end: the system call that it is in, without the `sys_` of the kernel. Only FreeBSD tells it. */
  readonly call?: string
}

const brand = Symbol.for('buildjail.error')

/** The fields of an error beyond its message: Node's own names, plus `step` and the kernel's `detail`. */
export interface ErrorFields {
  /** Negative, as Node has it. */
  readonly errno?: number
  readonly syscall?: string
  readonly path?: string
  readonly dest?: string
  /** The step of opening, launching or closing that failed: `nmount`, `jail_set`, `execve`, ... */
  readonly step?: string
  /** The kernel's words beyond the errno (the `errmsg` of jail_set(2) and nmount(2)). */
  readonly detail?: string
  /** The field of the spec that was refused, as `inputs.src` or `outputs./output`. */
  readonly entry?: string
  /** A limit that cannot be held, or that was met. */
  readonly limit?: string
  /** Of a thing that could not be taken away (`EBUSY`, `ETIMEDOUT` of a step of closing): its known holders, at least one. */
  readonly holders?: readonly Holder[]
  /** The one thing to do about it: in the words of `buildjail doctor` where the host's set-up is the cause, or as the entry of a spec. */
  readonly remedy?: string
  readonly cause?: unknown
}

/**
 * The base of every error this package throws. `code` is the stable field; the message is for people. What others chose is escaped in the message
 * where it could steer a terminal, and is as it is in `path`, `dest` and `entry`. docs/reference/errors.md lists them all.
 */
export class BuildjailError extends Error {
  readonly code: string
  // Declared only: a class field without a value would be there as `undefined` (ES2022), and Node's errors lack the fields that they do not know.
  declare readonly errno?: number
  declare readonly syscall?: string
  declare readonly path?: string
  declare readonly dest?: string
  declare readonly step?: string
  declare readonly detail?: string
  declare readonly entry?: string
  declare readonly holders?: readonly Holder[]
  declare readonly remedy?: string

  constructor(code: string, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.name = new.target.name
    this.code = code
    for (const key of ['errno', 'syscall', 'path', 'dest', 'step', 'detail', 'entry', 'limit', 'holders', 'remedy'] as const) {
      if (Object.hasOwn(fields, key) && fields[key] !== undefined) Object.defineProperty(this, key, { value: fields[key], enumerable: true })
    }
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for errors of this package, also of another copy of it in the same process. */
export function isBuildjailError(value: unknown): value is BuildjailError {
  return typeof value === 'object' && value !== null && brand in value
}

/**
 * @class SpecError
 * @category spec
 */
export type SpecErrorCode =
  /**
   * A field has a value that it cannot have, there is no such field, or a plan was copied or is of another system.
   * @remedy Give the field what the message says; make a plan by `planOf` in the program that uses it.
   */
  | 'ERR_BUILDJAIL_INVALID_SPEC'
  /**
   * A name has other characters than it may, or is too long.
   * @remedy Use letters, digits, `-` and `_`.
   */
  | 'ERR_BUILDJAIL_INVALID_NAME'
  /**
   * A path inside does not begin with `/`.
   * @remedy Begin it with `/`.
   */
  | 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE'
  /**
   * A path inside has `.`, `..`, `//` or a `/` at its end, or is the root.
   * @remedy Write it without them.
   */
  | 'ERR_BUILDJAIL_TARGET_NOT_NORMAL'
  /**
   * Two entries are to be at the same place inside.
   * @remedy Move one of them.
   */
  | 'ERR_BUILDJAIL_TARGET_DUPLICATE'
  /**
   * An entry is to lie inside another that is mounted from the host, and its mount point is missing there: a folder or file in the source, without
   * links on the way. A mount point inside a writable entry is created if it is missing, and so is an output that is missing at that very place.
   * @remedy Make the folder in the source, or put the entry elsewhere.
   */
  | 'ERR_BUILDJAIL_TARGET_BELOW_BIND'
  /**
   * A path of the host does not exist, or cannot be looked at; `cause` says why.
   * @remedy Create it, or correct the path.
   */
  | 'ERR_BUILDJAIL_SOURCE_MISSING'
  /**
   * An output is no directory, or a folder of the host's system, such as /usr, /var or /home; or an input is neither a directory nor a file. On
   * FreeBSD: an input is shut to the build user, and has too much in it to be shown one by one.
   * @remedy Name a directory, and as an output one for it alone; do what the message says.
   */
  | 'ERR_BUILDJAIL_SOURCE_UNFIT'
  /**
   * The root of the host is to be an input or an output.
   * @remedy Name the directories that the build needs.
   */
  | 'ERR_BUILDJAIL_SOURCE_IS_ROOT'
  /**
   * A path of the host holds the state directory, or lies in it.
   * @remedy Use another path, or another `stateDirectory`.
   */
  | 'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY'
  /**
   * A directory is the output of two entries.
   * @remedy Declare it once.
   */
  | 'ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE'
  /**
   * An output is an input as well, or lies around the source of another entry.
   * @remedy Let the build write to a folder of its own. An output inside an input is allowed.
   */
  | 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE'
  /**
   * A user has the uid 0.
   * @remedy Say `user: 'root'` if it is to be root inside.
   */
  | 'ERR_BUILDJAIL_ROOT_NOT_NAMED'

/**
 * @class InvalidCommandError
 * @category command
 */
export type InvalidCommandErrorCode =
  /**
   * A command or an option of it is wrong; `entry` names it. Nothing was started.
   * @remedy Give it what the message says.
   */
  | 'ERR_BUILDJAIL_INVALID_COMMAND'

/**
 * @class CommandError
 * @category command
 */
export type CommandErrorCode =
  /**
   * The command ended with another exit code than 0 or by a signal, timed out (`timedOut`), was canceled (`isCanceled`) or was ended by a
   * limit (`limit`).
   * @remedy Read `stderr`; raise the limit; or `reject: false`, when that is a result like any other.
   */
  | 'ERR_BUILDJAIL_COMMAND_FAILED'
  /**
   * The command wrote more than `maxBuffer` and was killed.
   * @remedy Raise `maxBuffer`, or send stdout and stderr to a `{ file }`.
   */
  | 'ERR_BUILDJAIL_MAX_BUFFER'
  /**
   * The `input` of the command, or the file that was its stdin, could not be read, so the command was ended; `cause` is that error.
   * @remedy Mend it: `reject: false` does not hide it.
   */
  | 'ERR_BUILDJAIL_STDIN_FAILED'
  /**
   * The stdout or stderr of the command could not be written to a `{ file }` or another target, so the command was ended; `cause` says why.
   * @remedy Make room, or drop the target: `reject: false` does not hide it.
   */
  | 'ERR_BUILDJAIL_STDOUT_FAILED'

/**
 * @class UnsupportedError
 * @category session
 */
export type UnsupportedErrorCode =
  /**
   * The system is neither FreeBSD nor Linux.
   * @remedy Run it on one of these, or in a container or virtual machine; `preflight()` says beforehand.
   */
  | 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM'
  /**
   * The native code was not built, or does not fit this runtime; the message lists what was tried.
   * @remedy The command that the message names: `node node_modules/buildjail/scripts/build-native.mjs`, which says what is missing.
   */
  | 'ERR_BUILDJAIL_BINDING_NOT_FOUND'
  /**
   * This host cannot hold a limit, or not for this command: `limit` names it. Nothing was started.
   * @remedy Do what `remedy` says; or leave the limit out; or `policy: 'best-effort'`.
   */
  | 'ERR_BUILDJAIL_LIMIT_UNSUPPORTED'
  /**
   * The source of an overlay can be neither shown as one nor copied, because something is mounted in it: `path` is the source and `dest` its place inside. Nothing was started.
   * @remedy Do what `remedy` says; or copy the folder, and give the copy as an output.
   */
  | 'ERR_BUILDJAIL_OVERLAY_UNSUPPORTED'

/**
 * @class SessionClosedError
 * @category session
 */
export type SessionClosedErrorCode =
  /**
   * The session or the pool was closed, or the session released. Or `spawn` came while `changes` was under way.
   * @remedy Open another. After `changes`, spawn again.
   */
  | 'ERR_BUILDJAIL_SESSION_CLOSED'
  /**
   * The session has come to its `wallTime`, `cpuTime`, `outputSize` or `outputFiles` (`limit`): everything in it was killed, and nothing can be started.
   * @remedy Close it; raise the limit.
   */
  | 'ERR_BUILDJAIL_LIMIT_EXCEEDED'

/**
 * @class QueueError
 * @category session
 */
export type QueueErrorCode =
  /**
   * `maxSessions` are in use, and as many as `queue` says wait. Nothing was opened.
   * @remedy Ask again later, or raise one of the two.
   */
  | 'ERR_BUILDJAIL_QUEUE_FULL'
  /**
   * `maxSessions` were in use for as long as the `wait` of the spec. Nothing was opened.
   * @remedy Raise `wait` or `maxSessions`; without `wait` it waits as long as it takes.
   */
  | 'ERR_BUILDJAIL_QUEUE_TIMEOUT'

/**
 * @class TeardownError
 * @category session
 */
export type TeardownErrorCode =
  /**
   * Something could not be taken away. `errors` has one error for each thing that is left, with its `holders` where they are known. The
   * `step` of such an error says what is left: `unmount` a busy mount, `reap` or `empty-jail` a process that does not end, `jail-dying` a jail that does
   * not die. On FreeBSD, `devices` says that a build that was root has revoked a device for the whole host, which cannot be undone. Everything else of
   * the session is gone, but for what the things that are left stand on.
   * @remedy End what holds it and call `close()` again.
   */
  | 'ERR_BUILDJAIL_TEARDOWN'
  /**
   * Something of sessions of a pool could not be taken away; one error each in `errors`.
   * @remedy End what holds them and call the pool's `close()` again.
   */
  | 'ERR_BUILDJAIL_POOL_TEARDOWN'

/**
 * @class BuildTeardownError
 * @category session
 */
export type BuildTeardownErrorCode =
  /**
   * Something could not be taken away after a `build` that has a result. It has the fields of the result, be that a success or a failure.
   * @remedy End what holds it and call `error.session.close()`.
   */
  | 'ERR_BUILDJAIL_BUILD_TEARDOWN'

/**
 * @class TraceError
 * @category session
 */
export type TraceErrorCode =
  /**
   * Some paths that a run looked up are not known: there were too many, or a name is not UTF-8.
   * @remedy Trace a smaller run, or give the file another name.
   */
  | 'ERR_BUILDJAIL_TRACE_INCOMPLETE'
  /**
   * An input has changed since the run began; `path` names it in the session.
   * @remedy Run again.
   */
  | 'ERR_BUILDJAIL_INPUT_CHANGED'
  /**
   * The run read what was in an output or a store before; `path` names it in the session. A folder that the run itself renamed there counts as well.
   * @remedy Begin with an empty folder.
   */
  | 'ERR_BUILDJAIL_OUTPUT_READ'

/** Every code that this package makes up. Codes of the system (`ENOENT`, `EPERM`, ...) pass through unchanged. */
export type OwnErrorCode =
  | SpecErrorCode
  | InvalidCommandErrorCode
  | CommandErrorCode
  | UnsupportedErrorCode
  | SessionClosedErrorCode
  | QueueErrorCode
  | TeardownErrorCode
  | BuildTeardownErrorCode
  | TraceErrorCode

type SpecFields = Omit<ErrorFields, 'entry'>

/** A spec that cannot become a plan. Nothing was touched. */
export class SpecError extends BuildjailError {
  declare readonly code: SpecErrorCode
  declare readonly entry: string

  constructor(code: SpecErrorCode, entry: string, message: string, fields: SpecFields = {}) {
    super(code, inOneLine(`${entry}: ${message}`), { step: 'plan', ...fields, entry })
  }
}

/** A command, or an option of it, that is wrong. Nothing was started. */
export class InvalidCommandError extends BuildjailError {
  declare readonly code: InvalidCommandErrorCode
  declare readonly entry: string

  constructor(entry: string, message: string, step: 'plan' | 'launch' | 'run' | 'kill') {
    super('ERR_BUILDJAIL_INVALID_COMMAND', inOneLine(`${entry}: ${message}`), { entry, step })
  }
}

/** This host cannot do what was asked for. Nothing was started. */
export class UnsupportedError extends BuildjailError {
  declare readonly code: UnsupportedErrorCode
  /** `ERR_BUILDJAIL_LIMIT_UNSUPPORTED`: its name, as `limits` has it: `memory`, ... */
  declare readonly limit?: string
}

/** Systems with neither jails nor namespaces. */
const waysRound: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'run it in Linux: in a virtual machine such as Lima, or in a container with --privileged',
  win32: 'run it in Linux: in WSL2, or in a container with --privileged',
}

/** What to do on a system where no session can be. */
export function wayRound(platform: NodeJS.Platform): string {
  return waysRound[platform] ?? 'run it on FreeBSD 14 or later, or on Linux'
}

/** @param what the thing that the caller asked for */
export function unsupportedPlatform(what: string, platform: NodeJS.Platform = process.platform): UnsupportedError {
  const remedy = waysRound[platform]
  return new UnsupportedError('ERR_BUILDJAIL_UNSUPPORTED_PLATFORM', `${what} is not available on ${platform}${remedyIn(remedy)}`, { step: 'preflight', ...(remedy === undefined ? {} : { remedy }) })
}

export function unsupportedLimit(limit: string, problem: string, fields: Pick<ErrorFields, 'step' | 'remedy' | 'cause'> = {}): UnsupportedError {
  const message = inOneLine(`limits.${limit}: ${problem}${remedyIn(fields.remedy)}`)
  return new UnsupportedError('ERR_BUILDJAIL_LIMIT_UNSUPPORTED', message, { step: 'limits', ...fields, limit, entry: `limits.${limit}` })
}

/** @param fields `path` is the source, and `dest` its place inside */
export function unsupportedOverlay(problem: string, fields: Pick<ErrorFields, 'path' | 'dest' | 'remedy' | 'step' | 'cause'> = {}): UnsupportedError {
  const where = fields.path === undefined ? '' : ` of ${fields.path}${fields.dest === undefined ? '' : ` at ${fields.dest}`}`
  return new UnsupportedError('ERR_BUILDJAIL_OVERLAY_UNSUPPORTED', inOneLine(`no overlay${where}: ${problem}${remedyIn(fields.remedy)}`), { step: 'overlay', ...fields })
}

/** The end of a message. */
function remedyIn(remedy: string | undefined): string {
  return remedy === undefined ? '' : `; remedy: ${remedy}`
}

/** A session, or a pool, that starts nothing any more. */
export class SessionClosedError extends BuildjailError {
  declare readonly code: SessionClosedErrorCode
  /** `ERR_BUILDJAIL_LIMIT_EXCEEDED`: the limit that the session has come to. */
  declare readonly limit?: 'cpuTime' | 'wallTime' | 'outputSize' | 'outputFiles'

  constructor(message: string, step: 'open' | 'launch' | 'close', limit?: 'cpuTime' | 'wallTime' | 'outputSize' | 'outputFiles') {
    super(limit === undefined ? 'ERR_BUILDJAIL_SESSION_CLOSED' : 'ERR_BUILDJAIL_LIMIT_EXCEEDED', message, { step, ...(limit !== undefined && { limit }) })
  }
}

/** `maxSessions` of a concurrency or a pool are in use. Nothing was opened. */
export class QueueError extends BuildjailError {
  declare readonly code: QueueErrorCode

  constructor(code: QueueErrorCode, message: string) {
    super(code, message, { step: 'open' })
  }
}

/** What a run read cannot be told with certainty. */
export class TraceError extends BuildjailError {
  declare readonly code: TraceErrorCode

  constructor(code: TraceErrorCode, message: string, fields: Pick<ErrorFields, 'path' | 'entry'> = {}) {
    super(code, inOneLine(message), fields)
  }
}

/**
 * A system call said no, during `step`. The command was not executed. `code` is the system's: `EPERM`, `ENOENT`, ...
 * @remedy `remedy`, where the host is not set up for sessions, another session has what this one needs, or a program or its interpreter is not in
 *   the session; else what the code says of `path`.
 * @category session
 */
export class SystemCallError extends BuildjailError {
  constructor(code: string, message: string, fields?: ErrorFields) {
    super(code, inOneLine(message), fields)
  }
}

/** Something of a session, or of the sessions of a pool, could not be taken away. */
export class TeardownError extends BuildjailError {
  declare readonly code: TeardownErrorCode | BuildTeardownErrorCode
  /** Of the session; undefined of a pool, each of whose errors has one. */
  readonly id: string | undefined
  /** One for each thing that is left; of a pool, one for each session. */
  readonly errors: readonly BuildjailError[]

  /** @param cause the error before, where there was one */
  constructor(code: TeardownError['code'], id: string | undefined, errors: readonly BuildjailError[], cause?: unknown) {
    const list = errors.map((error) => error.message).join('; ')
    super(code, id === undefined ? list : `session ${id} could not be taken down completely: ${list}`, { step: 'close', cause })
    this.id = id
    this.errors = errors
  }
}

/** The failure of a native step as the addon describes it (native/binding/to_js). */
export interface NativeFailure {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly step: string
  readonly reason: string
  readonly path?: string
  readonly dest?: string
  readonly detail?: string
  /** The argument that a call was not made with, of the step `check`. */
  readonly entry?: string
  /** The limit that cannot be held. */
  readonly limit?: string
  readonly remedy?: string
  readonly holders?: readonly Holder[]
}

/** The cause of a failure, such as a missing part of the host's set-up, and its remedy. */
export interface Advice {
  /** Absent where the failure itself says it. */
  readonly problem?: string
  /** Absent where nothing is known that would do. */
  readonly remedy?: string
}

/** `ENOENT: no such file or directory, open 'a' -> 'b' (step nmount: detail)`: Node's form, and the fields beyond it. */
function fromNativeFailure(failure: NativeFailure, advice: Advice | undefined): SystemCallError {
  const where = failure.path === undefined ? '' : ` '${failure.path}'`
  const to = failure.dest === undefined ? '' : ` -> '${failure.dest}'`
  const more = failure.detail === undefined ? '' : `: ${failure.detail}`
  const { problem, remedy = failure.remedy } = advice ?? {}
  const cause = problem === undefined ? '' : `; ${problem}`
  const call = `${failure.syscall}${where}${to} (step ${failure.step}${more})`
  const message = `${failure.code}: ${failure.reason}, ${call}${cause}${remedyIn(remedy)}`
  return new SystemCallError(failure.code, message, { ...failure, ...(remedy !== undefined && { remedy }) })
}

export function isNativeFailure(value: unknown): value is NativeFailure {
  return typeof value === 'object' && value !== null && 'syscall' in value && 'step' in value && 'reason' in value
}

/** The error for a feature that this host lacks, according to native code. Undefined for any other failure. */
function asUnsupported({ step, code, detail = '', limit, path, dest, remedy }: NativeFailure): UnsupportedError | undefined {
  // Both names are of one number on Linux and on FreeBSD.
  if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') return undefined
  const advised = remedy === undefined ? {} : { remedy }
  if (limit !== undefined) return unsupportedLimit(limit, detail, advised)
  if (step !== 'overlay' || detail === '') return undefined
  return unsupportedOverlay(detail, { ...(path !== undefined && { path }), ...(dest !== undefined && { dest }), ...advised })
}

/** The typed error of a failure of the addon, with advice if there is any. Other values pass through. */
export function typed(error: unknown, advice?: Advice): unknown {
  if (!isNativeFailure(error)) return error
  return asUnsupported(error) ?? fromNativeFailure(error, advice)
}
