import { binding } from './binding.ts'
import { BuildjailError } from './errors.ts'

/** One thing that keeps sessions from being opened here, and the one thing to do about it. */
export interface Obstacle {
  /** Short and stable: `platform`, `binding`, `privilege`, `nullfs`, ... */
  readonly check: string
  readonly problem: string
  readonly remedy: string
}

export interface Preflight {
  readonly isSupported: boolean
  readonly obstacles: readonly Obstacle[]
}

/** Whether this process could open a session, without opening one. Never throws. */
export function preflight(): Preflight {
  const obstacles = findObstacles()
  return { isSupported: obstacles.length === 0, obstacles }
}

function findObstacles(): readonly Obstacle[] {
  try {
    return binding().preflight()
  } catch (error) {
    const isPlatform = error instanceof BuildjailError && error.code === 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM'
    return [
      {
        check: isPlatform ? 'platform' : 'binding',
        problem: error instanceof Error ? error.message : String(error),
        remedy: isPlatform ? 'run it on FreeBSD 14 or later, or on Linux' : 'build the native code: npm explore buildjail -- npm run build:native',
      },
    ]
  }
}
