import { inOneLine } from './spec/readable.ts'

/**
 * How a holder has it, by a file descriptor or otherwise. Of a busy mount, in the words of fstat(1): `open-file`, `cwd`, `root` and
 * `jail` (its root directory and that of its jail), `text` (the program it runs), `mapping`, `trace` (where ktrace(1) writes),
 * `ctty`, `socket` (bound to a path there), or a `mount` of somebody else's in it or from it. Of a jail that does not die: a
 * `socket` which its user made. Of processes that do not end: the `process` itself, and the `tracer` that keeps it.
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
    for (const key of ['errno', 'syscall', 'path', 'dest', 'step', 'detail', 'entry', 'holders', 'remedy'] as const) {
      if (Object.hasOwn(fields, key) && fields[key] !== undefined) Object.defineProperty(this, key, { value: fields[key], enumerable: true })
    }
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for errors of this package, also of another copy of it in the same process. */
export function isBuildjailError(value: unknown): value is BuildjailError {
  return typeof value === 'object' && value !== null && brand in value
}

export type SpecErrorCode =
  | 'ERR_BUILDJAIL_INVALID_SPEC'
  | 'ERR_BUILDJAIL_INVALID_NAME'
  | 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE'
  | 'ERR_BUILDJAIL_TARGET_NOT_NORMAL'
  | 'ERR_BUILDJAIL_TARGET_DUPLICATE'
  | 'ERR_BUILDJAIL_TARGET_BELOW_BIND'
  | 'ERR_BUILDJAIL_SOURCE_MISSING'
  | 'ERR_BUILDJAIL_SOURCE_UNFIT'
  | 'ERR_BUILDJAIL_SOURCE_IS_ROOT'
  | 'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY'
  | 'ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE'
  | 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE'
  | 'ERR_BUILDJAIL_ROOT_NOT_NAMED'

/** Every code this package makes up. Codes of the system (`ENOENT`, `EPERM`, ...) pass through unchanged. */
export type OwnErrorCode =
  | SpecErrorCode
  | 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM'
  | 'ERR_BUILDJAIL_BINDING_NOT_FOUND'
  | 'ERR_BUILDJAIL_INVALID_COMMAND'
  | 'ERR_BUILDJAIL_SESSION_CLOSED'
  | 'ERR_BUILDJAIL_LIMIT_UNSUPPORTED'
  | 'ERR_BUILDJAIL_LIMIT_EXCEEDED'
  | 'ERR_BUILDJAIL_OVERLAY_UNSUPPORTED'
  | 'ERR_BUILDJAIL_QUEUE_FULL'
  | 'ERR_BUILDJAIL_QUEUE_TIMEOUT'
  | 'ERR_BUILDJAIL_TEARDOWN'
  | 'ERR_BUILDJAIL_BUILD_TEARDOWN'
  | 'ERR_BUILDJAIL_POOL_TEARDOWN'
  | 'ERR_BUILDJAIL_COMMAND_FAILED'
  | 'ERR_BUILDJAIL_MAX_BUFFER'
  | 'ERR_BUILDJAIL_INPUT_FAILED'
  | 'ERR_BUILDJAIL_OUTPUT_FAILED'

/** A spec that cannot become a plan. Nothing was touched. The base of one class for each code (spec-errors.ts). */
export class SpecError extends BuildjailError {
  declare readonly code: SpecErrorCode
  declare readonly entry: string

  constructor(code: SpecErrorCode, entry: string, message: string, fields: Omit<ErrorFields, 'entry'> = {}) {
    super(code, inOneLine(`${entry}: ${message}`), { step: 'plan', ...fields, entry })
  }
}

/**
 * The system is neither FreeBSD nor Linux.
 * @remedy Run it on one of these; `preflight()` says beforehand.
 * @category session
 */
export class UnsupportedPlatformError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM'

  /** @param what the thing that the caller asked for */
  constructor(what: string) {
    super('ERR_BUILDJAIL_UNSUPPORTED_PLATFORM', `${what} is not available on ${process.platform}`, { step: 'preflight' })
  }
}

/**
 * The native code was not built, or does not fit this runtime; the message lists what was tried.
 * @remedy The command that the message names: `node node_modules/buildjail/scripts/install.mjs`, which says what is missing.
 * @category session
 */
export class BindingNotFoundError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_BINDING_NOT_FOUND'

  constructor(message: string) {
    super('ERR_BUILDJAIL_BINDING_NOT_FOUND', message, { step: 'preflight' })
  }
}

/**
 * A command or an option of it is wrong; `entry` names it. Nothing was started.
 * @remedy Give it what the message says.
 * @category command
 */
export class InvalidCommandError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_INVALID_COMMAND'
  declare readonly entry: string

  constructor(entry: string, message: string, step: 'plan' | 'launch' | 'run' | 'kill') {
    super('ERR_BUILDJAIL_INVALID_COMMAND', inOneLine(`${entry}: ${message}`), { entry, step })
  }
}

/**
 * The session or the pool was closed, or the session released.
 * @remedy Open another.
 * @category session
 */
export class SessionClosedError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_SESSION_CLOSED'

  constructor(message: string, step: 'open' | 'launch' | 'close') {
    super('ERR_BUILDJAIL_SESSION_CLOSED', message, { step })
  }
}

/**
 * This host cannot hold a limit, or not for this command: `limit` names it. Nothing was started.
 * @remedy Do what `remedy` says; or leave the limit out; or `policy: 'best-effort'`.
 * @category session
 */
export class LimitUnsupportedError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_LIMIT_UNSUPPORTED'
  /** Its name, as `limits` has it: `memory`, ... */
  readonly limit: string

  constructor(limit: string, problem: string, fields: Pick<ErrorFields, 'step' | 'remedy' | 'cause'> = {}) {
    const remedy = fields.remedy === undefined ? '' : `; remedy: ${fields.remedy}`
    super('ERR_BUILDJAIL_LIMIT_UNSUPPORTED', inOneLine(`limits.${limit}: ${problem}${remedy}`), { step: 'limits', ...fields, entry: `limits.${limit}` })
    this.limit = limit
  }
}

/**
 * An input cannot be an overlay on this host, or its source cannot be shown as one: `path` is the source and `dest` its place inside. Nothing was started.
 * @remedy Do what `remedy` says; or copy the folder, and give the copy as an output.
 * @category session
 */
export class OverlayUnsupportedError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_OVERLAY_UNSUPPORTED'

  constructor(problem: string, fields: Pick<ErrorFields, 'path' | 'dest' | 'remedy' | 'step' | 'cause'> = {}) {
    const remedy = fields.remedy === undefined ? '' : `; remedy: ${fields.remedy}`
    const where = fields.path === undefined ? '' : ` of ${fields.path}${fields.dest === undefined ? '' : ` at ${fields.dest}`}`
    super('ERR_BUILDJAIL_OVERLAY_UNSUPPORTED', inOneLine(`no overlay${where}: ${problem}${remedy}`), { step: 'overlay', ...fields })
  }
}

/**
 * The session has come to its `wallTime` or `cpuTime` (`limit`): everything in it was killed, and nothing can be started.
 * @remedy Close it; raise the limit.
 * @category session
 */
export class LimitExceededError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_LIMIT_EXCEEDED'
  readonly limit: 'cpuTime' | 'wallTime'

  constructor(id: string, limit: 'cpuTime' | 'wallTime') {
    super('ERR_BUILDJAIL_LIMIT_EXCEEDED', `session ${id} has come to its limits.${limit} and starts nothing any more`, { step: 'launch' })
    this.limit = limit
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

/**
 * Something could not be taken away; `errors` has one error for each thing: a mount that is busy (step `unmount`), a process that does not end
 * (`reap`, `empty-jail`), a jail that does not die (`jail-dying`), each with its `holders` where they are known; or a device that a build that
 * was root has revoked for the whole host (`devices`, FreeBSD), which nobody can undo. The result of the build itself is not lost by it. The
 * named things are still there, as are the things they stand on; the rest is gone.
 * @remedy End what holds it and call `close()` again.
 * @category session
 */
export class TeardownError extends BuildjailError {
  declare readonly code: 'ERR_BUILDJAIL_TEARDOWN' | 'ERR_BUILDJAIL_BUILD_TEARDOWN'
  /** Of the session. */
  readonly id: string
  readonly errors: readonly BuildjailError[]

  /**
   * @param cause the error before, where there was one
   * @param code of the class that says more of it
   */
  constructor(id: string, errors: readonly BuildjailError[], cause?: unknown, code: TeardownError['code'] = 'ERR_BUILDJAIL_TEARDOWN') {
    const list = errors.map((error) => error.message).join('; ')
    super(code, `session ${id} could not be taken down completely: ${list}`, { step: 'close', cause })
    this.id = id
    this.errors = errors
  }
}

/** The failure of a native step as the addon describes it (native/binding/error_to_js). */
export interface NativeFailure {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly step: string
  readonly reason: string
  readonly path?: string
  readonly dest?: string
  readonly detail?: string
  readonly holders?: readonly Holder[]
}

/** What is behind a failure, such as something of the host's set-up that is missing, and what to do about it. */
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
  const { problem, remedy } = advice ?? {}
  const cause = `${problem === undefined ? '' : `; ${problem}`}${remedy === undefined ? '' : `; remedy: ${remedy}`}`
  const message = `${failure.code}: ${failure.reason}, ${failure.syscall}${where}${to} (step ${failure.step}${more})${cause}`
  return new SystemCallError(failure.code, message, remedy === undefined ? failure : { ...failure, remedy })
}

export function isNativeFailure(value: unknown): value is NativeFailure {
  return typeof value === 'object' && value !== null && 'syscall' in value && 'step' in value && 'reason' in value
}

/** Native code names the limit first, and the remedy last, where there is one: `memory: there is no cgroup; remedy: ...`. */
const unsupportedLimit = /^(\w+): (.*?)(?:; remedy: (.*))?$/s

/** Undefined where it is another failure. */
function asUnsupportedLimit(failure: NativeFailure): LimitUnsupportedError | undefined {
  // Both names are of one number on Linux and on FreeBSD.
  if (failure.step !== 'limits' || (failure.code !== 'ENOTSUP' && failure.code !== 'EOPNOTSUPP')) return undefined
  const [, limit, problem, remedy] = unsupportedLimit.exec(failure.detail ?? '') ?? []
  if (limit === undefined || problem === undefined) return undefined
  return new LimitUnsupportedError(limit, problem, remedy === undefined ? {} : { remedy })
}

/** Native code says the remedy last: `the folder belongs to somebody else; remedy: ...`. Undefined where it is another failure. */
function asUnsupportedOverlay({ step, code, detail, path, dest }: NativeFailure): OverlayUnsupportedError | undefined {
  if (step !== 'overlay' || (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') || detail === undefined) return undefined
  const [problem = detail, remedy] = detail.split('; remedy: ')
  return new OverlayUnsupportedError(problem, {
    ...(path === undefined ? {} : { path }),
    ...(dest === undefined ? {} : { dest }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** The typed error of a failure of the addon, with the advice where there is one. Anything else passes through. */
export function typed(error: unknown, advice?: Advice): unknown {
  if (!isNativeFailure(error)) return error
  return asUnsupportedLimit(error) ?? asUnsupportedOverlay(error) ?? fromNativeFailure(error, advice)
}
