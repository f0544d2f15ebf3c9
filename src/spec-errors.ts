import { SpecError, type ErrorFields, type SpecErrorCode } from './errors.ts'

type Fields = Omit<ErrorFields, 'entry'>

/**
 * A field has a value that it cannot have, there is no such field, or a plan was copied or is of another system.
 * @remedy Give the field what the message says; make a plan by `planOf` in the program that uses it.
 * @category spec
 */
export class InvalidSpecError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_INVALID_SPEC'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_INVALID_SPEC', entry, message, fields)
  }
}

/**
 * A name has other characters than it may, or is too long.
 * @remedy Use letters, digits, `-` and `_`.
 * @category spec
 */
export class InvalidNameError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_INVALID_NAME'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_INVALID_NAME', entry, message, fields)
  }
}

/**
 * A path inside does not begin with `/`.
 * @remedy Begin it with `/`.
 * @category spec
 */
export class TargetNotAbsoluteError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry, message, fields)
  }
}

/**
 * A path inside has `.`, `..`, `//` or a `/` at its end, or is the root.
 * @remedy Write it without them.
 * @category spec
 */
export class TargetNotNormalError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, message, fields)
  }
}

/**
 * Two entries are to be at the same place inside.
 * @remedy Move one of them.
 * @category spec
 */
export class TargetDuplicateError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_DUPLICATE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_DUPLICATE', entry, message, fields)
  }
}

/**
 * An entry is to lie inside another that is mounted from the host, and has no mount point there: a folder or file in the source, without
 * links on the way. In what is written to it needs none, and an output that is missing at that very place is made.
 * @remedy Make the folder in the source, or put the entry elsewhere.
 * @category spec
 */
export class TargetBelowBindError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_BELOW_BIND', entry, message, fields)
  }
}

/**
 * A path of the host does not exist, or cannot be looked at; `cause` says why.
 * @remedy Create it, or correct the path.
 * @category spec
 */
export class SourceMissingError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_MISSING'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_MISSING', entry, message, fields)
  }
}

/**
 * An output is no directory, or an input is neither a directory nor a file. On FreeBSD: an input is shut to the build user, and has too much
 * in it to be shown one by one.
 * @remedy Name a directory; do what the message says.
 * @category spec
 */
export class SourceUnfitError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_UNFIT'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_UNFIT', entry, message, fields)
  }
}

/**
 * The root of the host is to be an input or an output.
 * @remedy Name the directories that the build needs.
 * @category spec
 */
export class SourceIsRootError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_IS_ROOT'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_IS_ROOT', entry, message, fields)
  }
}

/**
 * A path of the host holds the state directory, or lies in it.
 * @remedy Use another path, or another `stateDirectory`.
 * @category spec
 */
export class SourceInStateDirectoryError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY', entry, message, fields)
  }
}

/**
 * A directory is the output of two entries.
 * @remedy Declare it once.
 * @category spec
 */
export class SourceWritableTwiceError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE', entry, message, fields)
  }
}

/**
 * An output is an input as well, or lies around the source of another entry.
 * @remedy Let the build write to a folder of its own. An output inside an input is allowed.
 * @category spec
 */
export class OutputAroundSourceError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', entry, message, fields)
  }
}

/**
 * A user has the uid 0.
 * @remedy Say `user: 'root'` if it is to be root inside.
 * @category spec
 */
export class RootNotNamedError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_ROOT_NOT_NAMED'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_ROOT_NOT_NAMED', entry, message, fields)
  }
}

const classes: Readonly<Record<SpecErrorCode, new (entry: string, message: string, fields?: Fields) => SpecError>> = {
  ERR_BUILDJAIL_INVALID_SPEC: InvalidSpecError,
  ERR_BUILDJAIL_INVALID_NAME: InvalidNameError,
  ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE: TargetNotAbsoluteError,
  ERR_BUILDJAIL_TARGET_NOT_NORMAL: TargetNotNormalError,
  ERR_BUILDJAIL_TARGET_DUPLICATE: TargetDuplicateError,
  ERR_BUILDJAIL_TARGET_BELOW_BIND: TargetBelowBindError,
  ERR_BUILDJAIL_SOURCE_MISSING: SourceMissingError,
  ERR_BUILDJAIL_SOURCE_UNFIT: SourceUnfitError,
  ERR_BUILDJAIL_SOURCE_IS_ROOT: SourceIsRootError,
  ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY: SourceInStateDirectoryError,
  ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE: SourceWritableTwiceError,
  ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE: OutputAroundSourceError,
  ERR_BUILDJAIL_ROOT_NOT_NAMED: RootNotNamedError,
}

/** An error of the class that has this code. */
export function specError(code: SpecErrorCode, entry: string, message: string, fields?: Fields): SpecError {
  return new classes[code](entry, message, fields)
}
