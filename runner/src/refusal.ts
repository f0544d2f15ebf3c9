import { status, type StatusObject } from '@grpc/grpc-js'
import { isBuildjailError } from 'buildjail'

/** An answer that is no result: the gRPC status, and the words for people. */
export class Refusal extends Error {
  readonly code: status

  constructor(code: status, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
  }
}

/** The request is wrong; `field` is the one that is. */
export function wrongRequest(field: string, problem: string): Refusal {
  return new Refusal(status.INVALID_ARGUMENT, `${field}: ${problem}`)
}

/**
 * A command that cannot be executed as it was asked is the request's fault, and the client is told so at once. Of anything else the
 * worker may try again elsewhere.
 */
const faultsOfTheCommand: Readonly<Record<string, readonly string[]>> = {
  execve: ['ENOENT', 'EISDIR', 'ENOEXEC', 'EPERM', 'EACCES', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'E2BIG'],
  chdir: ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'],
}

export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const message = error instanceof Error ? error.message : String(error)
  if (!isBuildjailError(error)) return new Refusal(status.INTERNAL, message, error)
  // An input root that was there a moment ago is one that the worker has taken away.
  const isOfTheCommand = error.code === 'ERR_BUILDJAIL_INVALID_COMMAND' || error.code === 'ERR_BUILDJAIL_SOURCE_MISSING' || faultsOfTheCommand[error.step ?? '']?.includes(error.code) === true
  return new Refusal(isOfTheCommand ? status.INVALID_ARGUMENT : status.INTERNAL, message, error)
}

/** Characters of the words for people. gRPC has them in a header, whose size its peers bound, and takes up to nine bytes for one of them. */
const longest = 1000

/** As grpc-js answers with it. */
export function statusOf({ code, message }: Refusal): Pick<StatusObject, 'code' | 'details'> {
  // A header has one line.
  const line = message.replaceAll(/\s*\n\s*/g, '; ')
  return { code, details: line.length <= longest ? line : `${line.slice(0, longest / 2)}…${line.slice(-longest / 2)}`.toWellFormed() }
}
