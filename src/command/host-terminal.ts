import { binding } from '../native/load.ts'
import type { WireStdio } from '../native/wire-job.ts'
import { isTerminal } from './is-terminal.ts'

/** The signals by which people and systems end a program; who does not listen to them is ended by them. */
const ending = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const
const looking = ['SIGWINCH', 'SIGCONT'] as const

let attended = 0

/**
 * To be called while a command has a terminal in place of one of this program's: its terminal follows the size of ours, and ours has its
 * mode back when a signal ends this program. The function that is returned ends that.
 */
export function attendTerminal(stdio: readonly WireStdio[]): () => void {
  if (!stdio.some(({ kind }, number) => kind === 'inherit' && isTerminal(number))) return () => {}
  attended += 1
  if (attended === 1) {
    for (const name of looking) process.on(name, look)
    for (const name of ending) process.on(name, endBy)
  }
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    attended -= 1
    if (attended === 0) stop()
  }
}

function stop(): void {
  for (const name of looking) process.off(name, look)
  for (const name of ending) process.off(name, endBy)
}

function look(): void {
  binding().lookAtTerminal()
}

/** Where the program itself listens to the signal, it says what comes of it. */
function endBy(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) return
  binding().giveBackTerminal()
  stop()
  process.kill(process.pid, name)
}
