import { execFileSync } from 'node:child_process'

/** A fifo of that name. */
export function mkfifo(file: string): string {
  execFileSync('mkfifo', [file])
  return file
}
