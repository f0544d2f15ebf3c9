import { Readable, type Writable } from 'node:stream'

import { InvalidCommandError } from '../errors.ts'

/** Content for a command's stdin. */
export type Input = string | Uint8Array | Readable

/** @throws InvalidCommandError */
export function checkInput(input: unknown, entry: string): void {
  if (typeof input === 'string' || input instanceof Uint8Array) return
  if (!(input instanceof Readable)) throw invalid(entry, 'must be a string, bytes or a Readable of node:stream')
  if (!input.readable) throw invalid(entry, 'is a stream that is over: it was read to its end, or destroyed')
}

/** A stream can fail before there is a command that it could be told of: it keeps its error until it is read. */
export function holdFailures(input: Input | undefined): void {
  if (isStream(input)) input.on('error', () => {})
}

/** Of what was checked. Most commands have no input, and node:stream is not loaded for them. */
function isStream(input: Input | undefined): input is Readable {
  return input !== undefined && input instanceof Readable
}

/** The command has ended, or was never started. Nobody reads the rest of its input. */
export function abandon(input: Input | undefined): void {
  if (isStream(input) && !input.readableEnded) input.destroy()
}

/**
 * Gives a command its stdin, which stays open where the input fails: its end would look like the input's.
 * @throws the error of the input.
 */
export async function feed(input: Input, stdin: Writable): Promise<void> {
  // A command may close its stdin without reading it. That is no failure of the run.
  stdin.on('error', () => {})
  if (!(input instanceof Readable)) {
    stdin.end(input)
    return
  }
  // A caller that reads from a socket may still be about to write to it.
  for await (const chunk of input.iterator({ destroyOnReturn: false })) {
    if (stdin.destroyed) return
    if (!stdin.write(chunk)) await drained(stdin)
  }
  stdin.end()
}

function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdin.off('drain', done)
      stdin.off('close', done)
      resolve()
    }
    stdin.on('drain', done)
    stdin.on('close', done)
    if (stdin.destroyed) done()
  })
}

function invalid(entry: string, message: string): InvalidCommandError {
  return new InvalidCommandError(entry, message, 'run')
}
