/** Every code this package makes up. Codes of the system (`ENOENT`, `EPERM`, ...) pass through unchanged. */
export type OwnErrorCode =
  | 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM'
  | 'ERR_BUILDJAIL_BINDING_NOT_FOUND'
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
  | 'ERR_BUILDJAIL_ROOT_NOT_NAMED'
  | 'ERR_BUILDJAIL_INVALID_COMMAND'
  | 'ERR_BUILDJAIL_SESSION_CLOSED'
  | 'ERR_BUILDJAIL_TEARDOWN'
  | 'ERR_BUILDJAIL_COMMAND_FAILED'
  | 'ERR_BUILDJAIL_MAX_BUFFER'
  | 'ERR_BUILDJAIL_INPUT_FAILED'

/**
 * What a holder has, by its file descriptor or otherwise. Of a busy mount, in the words of fstat(1): `open-file`, `cwd`, `root` and
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

/** Who keeps something of a session from being taken away. */
export interface Holder {
  readonly kind: HolderKind
  /** Absent for a mount. */
  readonly pid?: number
  readonly command?: string
  /** Of what it holds, on the host; for a socket as it was bound. Absent where it has none any more. */
  readonly path?: string
}

const brand = Symbol.for('buildjail.error')

/** What an error can carry beyond its message: Node's own names, plus `step` and the kernel's `detail`. */
export interface ErrorFields {
  /** Negative, as Node has it. */
  readonly errno?: number
  readonly syscall?: string
  readonly path?: string
  readonly dest?: string
  /** The step of opening, launching or closing that failed: `nmount`, `jail_set`, `execve`, ... */
  readonly step?: string
  /** What the kernel said beyond the errno (the `errmsg` of jail_set(2) and nmount(2)). */
  readonly detail?: string
  /** The field of the spec that was refused, as `inputs.src` or `outputs./output`. */
  readonly entry?: string
  /** Of what could not be taken away (`EBUSY`, `ETIMEDOUT` of a step of closing): who is known to hold it, at least one. */
  readonly holders?: readonly Holder[]
  readonly cause?: unknown
}

/** The base of every error this package throws. `code` is the stable field; the message is for people. */
export class BuildjailError extends Error {
  readonly code: string
  // Declared only: a class field without a value would be there as `undefined` (ES2022), and Node's errors lack what they do not know.
  declare readonly errno?: number
  declare readonly syscall?: string
  declare readonly path?: string
  declare readonly dest?: string
  declare readonly step?: string
  declare readonly detail?: string
  declare readonly entry?: string
  declare readonly holders?: readonly Holder[]

  constructor(code: string, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.name = new.target.name
    this.code = code
    for (const key of ['errno', 'syscall', 'path', 'dest', 'step', 'detail', 'entry', 'holders'] as const) {
      if (fields[key] !== undefined) Object.defineProperty(this, key, { value: fields[key], enumerable: true })
    }
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for errors of this package, also of another copy of it in the same process. */
export function isBuildjailError(value: unknown): value is BuildjailError {
  return typeof value === 'object' && value !== null && brand in value
}

/** A spec that cannot become a plan. Nothing was touched. */
export class SpecError extends BuildjailError {
  constructor(code: OwnErrorCode, entry: string, message: string, fields: Omit<ErrorFields, 'entry'> = {}) {
    super(code, `${entry}: ${message}`, { ...fields, entry, step: 'plan' })
  }
}

/** A system call that said no; `step` says during what. The command was not executed. */
export class SystemCallError extends BuildjailError {}

/**
 * What a session could not undo, one error a thing: a mount that is busy (step `unmount`), a process that does not end (`reap`,
 * `empty-jail`), a jail that does not die (`jail-dying`), each with its `holders` where they are known. The result of the build itself is
 * not lost by it. What is named here is still there, as is what it stands on; the rest is gone. `Session.close` can be called again.
 */
export class TeardownError extends BuildjailError {
  /** Of the session. */
  readonly id: string
  readonly errors: readonly BuildjailError[]

  constructor(id: string, errors: readonly BuildjailError[]) {
    const list = errors.map((error) => error.message).join('; ')
    super('ERR_BUILDJAIL_TEARDOWN', `session ${id} could not be taken down completely: ${list}`, { step: 'close' })
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

/** `ENOENT: no such file or directory, open 'a' -> 'b' (step nmount: detail)`: Node's form, with what we know more. */
export function fromNativeFailure(failure: NativeFailure): SystemCallError {
  const where = failure.path === undefined ? '' : ` '${failure.path}'`
  const to = failure.dest === undefined ? '' : ` -> '${failure.dest}'`
  const more = failure.detail === undefined ? '' : `: ${failure.detail}`
  const message = `${failure.code}: ${failure.reason}, ${failure.syscall}${where}${to} (step ${failure.step}${more})`
  return new SystemCallError(failure.code, message, failure)
}

function isNativeFailure(value: unknown): value is NativeFailure {
  return typeof value === 'object' && value !== null && 'syscall' in value && 'step' in value && 'reason' in value
}

/** Turns what the addon rejected with into a typed error; anything else passes through. */
export function typed(error: unknown): unknown {
  return isNativeFailure(error) ? fromNativeFailure(error) : error
}

export function unsupportedPlatform(what: string): BuildjailError {
  return new BuildjailError(
    'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM',
    `${what} is not available on ${process.platform}`,
    { step: 'preflight' },
  )
}
