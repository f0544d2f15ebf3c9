import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { BenchRequest } from './command-line.ts'
import { exitStatus } from './exit-status.ts'

/**
 * `buildjail bench`: a program of its own, as what is measured would otherwise be slower for all that is loaded here.
 * Returns its exit status.
 */
export async function benchVerb({ compared, options }: BenchRequest): Promise<number> {
  // Two levels up from src/cli/ as from dist/cli/.
  const program = fileURLToPath(new URL(`../../bench/${compared === undefined ? 'main' : 'compare'}.mjs`, import.meta.url))
  const words = compared === undefined ? options : [...options, '--', ...compared]
  const child = spawn(process.execPath, [program, ...words], { stdio: 'inherit' })
  const [status] = (await once(child, 'close')) as [number | null]
  return status ?? exitStatus.ownFailure
}
