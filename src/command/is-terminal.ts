import { fstatSync, statSync, type Stats } from 'node:fs'
import { isatty } from 'node:tty'

/** As isatty(3). To load node:tty takes a tenth of what it takes Node to start, so it is asked only of what may be a terminal. */
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
