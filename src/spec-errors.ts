import { SpecError, type ErrorFields, type SpecErrorCode } from './errors.ts'

type Fields = Omit<ErrorFields, 'entry'>

/** A field has a value that it cannot have, or there is no such field. */
export class InvalidSpecError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_INVALID_SPEC'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_INVALID_SPEC', entry, message, fields)
  }
}

/** The name, or that of an input or output, has other characters than it may. */
export class InvalidNameError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_INVALID_NAME'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_INVALID_NAME', entry, message, fields)
  }
}

/** A path inside does not start with `/`. */
export class TargetNotAbsoluteError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry, message, fields)
  }
}

/** A path inside has `.`, `..`, `//` or a `/` at its end in it. */
export class TargetNotNormalError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, message, fields)
  }
}

/** Two entries are to be at the same place inside. */
export class TargetDuplicateError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_DUPLICATE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_DUPLICATE', entry, message, fields)
  }
}

/** An entry is to lie below another that is mounted from the host. */
export class TargetBelowBindError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_TARGET_BELOW_BIND', entry, message, fields)
  }
}

/** A path of the host does not exist, or cannot be looked at. */
export class SourceMissingError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_MISSING'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_MISSING', entry, message, fields)
  }
}

/** A path of the host is of a kind that the entry cannot have: a file as an output, or a device. */
export class SourceUnfitError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_UNFIT'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_UNFIT', entry, message, fields)
  }
}

/** The whole host was asked for. */
export class SourceIsRootError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_IS_ROOT'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_IS_ROOT', entry, message, fields)
  }
}

/** A path of the host lies where sessions are kept. */
export class SourceInStateDirectoryError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY', entry, message, fields)
  }
}

/** A directory is the output of two entries. */
export class SourceWritableTwiceError extends SpecError {
  declare readonly code: 'ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE'

  constructor(entry: string, message: string, fields?: Fields) {
    super('ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE', entry, message, fields)
  }
}

/** A user with the number 0 was asked for by number. */
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
  ERR_BUILDJAIL_ROOT_NOT_NAMED: RootNotNamedError,
}

/** An error of the class that has this code. */
export function specError(code: SpecErrorCode, entry: string, message: string, fields?: Fields): SpecError {
  return new classes[code](entry, message, fields)
}
