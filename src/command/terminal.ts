import { fstatSync, statSync, type Stats } from 'node:fs'
import { isatty } from 'node:tty'

import { InvalidCommandError } from '../errors.ts'
import { binding } from '../native/load.ts'
import type { TerminalSize, WireStdio } from '../native/wire-job.ts'
import { invalid, type OptionCheck } from './options.ts'

export type { TerminalSize }

/** A terminal of the command's own, which is all three of its standard descriptors. */
export const pty: WireStdio = Object.freeze({ kind: 'pty' })

export const defaultTerminalSize: TerminalSize = Object.freeze({ columns: 80, rows: 24 })

const largest = 65_535

export const checkTerminalSize: OptionCheck = (value, entry): TerminalSize => {
  const { columns, rows } = (typeof value === 'object' && value !== null ? value : {}) as Partial<TerminalSize>
  for (const number of [columns, rows]) {
    if (!Number.isInteger(number) || (number as number) < 1 || (number as number) > largest) {
      throw invalid(entry, `must be { columns, rows }, whole numbers from 1 to ${largest}`)
    }
  }
  return Object.freeze({ columns, rows }) as TerminalSize
}

/**
 * @param size as `checkTerminalSize` gave it
 * @throws InvalidCommandError where the command has no terminal of its own that could be resized
 */
export function resizeTerminal(job: number, isPty: boolean, size: TerminalSize): boolean {
  if (!isPty) throw new InvalidCommandError('resize', "is for a command with stdio: 'pty'", 'run')
  return job !== 0 && binding().resizeTerminal(job, size.columns, size.rows)
}

/** The signals by which people and systems end a program. Without a listener they end it at once. */
const ending = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const
const looking = ['SIGWINCH', 'SIGCONT'] as const

let attended = 0

/**
 * To be called while a command has a terminal in place of one of this program's: its terminal follows the size of ours, and ours gets its mode back when a
 * signal ends this program. The returned function ends that.
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

/** If the program itself listens to the signal, the program decides its effect. */
function endBy(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) return
  binding().giveBackTerminal()
  stop()
  process.kill(process.pid, name)
}

/** As isatty(3). Loading node:tty takes a tenth of Node's start, so only descriptors that may be a terminal are checked with it. */
export function isTerminal(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor)
    return found.isCharacterDevice() && !isNull(found) && isatty(descriptor)
  } catch {
    return false
  }
}

function isNull({ rdev }: Stats): boolean {
  return statSync('/dev/null', { throwIfNoEntry: false })?.rdev === rdev
}
