// Files that the command line names. An earlier build may have left another kind of file there, such as a fifo, which a program that opens or reads it would
// wait for (fifo(7)).
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'

import { invalid } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import { isWithin } from '../spec/paths.ts'

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants

/** Opening returns at once, whatever kind of file is there; ENXIO for a fifo without a reader (open(2)). */
export const atOnce: number = O_NONBLOCK | O_NOCTTY

/** /dev/stdout and /dev/fd/1 are links to files that this program has open. No build can make a link there (proc(5), fdescfs(4)). */
export function isOfSystem(file: string): boolean {
  const folder = realFolderOf(file)
  return folder === '/dev' || folder === '/dev/fd' || isWithin(folder, '/proc')
}

/** The real folder of a file. A missing folder is returned as named; opening the file then reports it. */
export function realFolderOf(file: string): string {
  const folder = path.dirname(path.resolve(file))
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

/** @throws Error unless it is a regular file; closes it then */
export function refuseOthers(fd: number): void {
  // defence: named-file-regular
  if (fstatSync(fd).isFile()) return
  closeSync(fd)
  throw new Error('it is no regular file')
}

/** @throws Error */
export function bytesOf(file: string): Buffer {
  if (isOfSystem(file)) return readFileSync(file)
  const fd = openSync(file, O_RDONLY | atOnce)
  refuseOthers(fd)
  try {
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** @throws SpecError when it cannot be read. */
export function textOfFile(file: string): string {
  try {
    return bytesOf(file).toString('utf8')
  } catch (error) {
    throw invalid(readable(file), `cannot be read: ${(error as Error).message}`, error)
  }
}
