// This program's stdout and stderr, which are made when something is said: most runs say nothing.

let isMade = false

export function ownStdout(): NodeJS.WriteStream & { fd: 1 } {
  isMade = true
  return process.stdout
}

export function ownStderr(): NodeJS.WriteStream & { fd: 2 } {
  isMade = true
  return process.stderr
}

/**
 * Ends the program with this status. Where it has said something, that may still be on its way into a pipe, so it ends by having nothing left to do. Where it has not, it
 * ends at once: what Node takes apart of itself otherwise takes a millisecond.
 */
export function endWith(status: number): void {
  process.exitCode = status
  if (!isMade) process.exit()
}
