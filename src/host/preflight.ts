import { binding, bindingRemedy } from '../native/load.ts'
import { UnsupportedError, wayRound } from '../errors.ts'
import type { NativePreflight } from '../native/binding.ts'
import type { Obstacle } from '../native/record.ts'

export interface Preflight {
  /** No obstacle was found. */
  readonly isSupported: boolean
  /** Each of them keeps sessions from being opened. */
  readonly obstacles: readonly Obstacle[]
  /** Things that sessions lack on this host. They can be opened nonetheless. */
  readonly limitations: readonly Obstacle[]
}

/** Checks whether this process could open a session, without opening one. Never throws. */
export function preflight(): Preflight {
  const { obstacles, limitations } = look()
  return { isSupported: obstacles.length === 0, obstacles, limitations }
}

function look(): NativePreflight {
  try {
    return binding().preflight()
  } catch (error) {
    const isPlatform = error instanceof UnsupportedError && error.code === 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM'
    const obstacle: Obstacle = {
      check: isPlatform ? 'platform' : 'binding',
      problem: isPlatform ? `${process.platform} has neither jails nor namespaces` : error instanceof Error ? error.message : String(error),
      remedy: isPlatform ? wayRound(process.platform) : bindingRemedy(),
    }
    return { obstacles: [obstacle], limitations: [] }
  }
}
