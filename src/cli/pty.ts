import type { Running } from '../command/running.ts'
import { defaultTerminalSize, type TerminalSize } from '../command/terminal.ts'
import { ownStderr, ownStdout } from './own-streams.ts'

/** Of a terminal that this program has, or else of the usual one. */
export function ptySize(): TerminalSize {
  return sizeOf([ownStdout(), ownStderr()].find(({ isTTY }) => isTTY))
}

/** A terminal can have no size, which is 0 by 0. */
export function sizeOf(stream: NodeJS.WriteStream | undefined): TerminalSize {
  const { columns = 0, rows = 0 } = stream ?? {}
  return columns === 0 || rows === 0 ? defaultTerminalSize : { columns, rows }
}

/** This program's stdin is typed into the command's terminal, and what that shows goes to stdout. The function that is returned ends that. */
export function attachPty(running: Running): () => void {
  const { stdin, stdout } = running
  if (stdin === null || stdout === null) return () => {}
  // Who reads it has read enough: the command may go on.
  const onError = (): void => void stdout.unpipe(ownStdout()).resume()
  const onResize = (): void => void running.resize(ptySize())
  ownStdout().on('error', onError)
  process.on('SIGWINCH', onResize)
  stdout.pipe(ownStdout(), { end: false })
  process.stdin.pipe(stdin)
  return () => {
    process.off('SIGWINCH', onResize)
    ownStdout().off('error', onError)
    process.stdin.unpipe(stdin)
    // What nobody reads any more keeps no program from ending.
    process.stdin.destroy()
  }
}
