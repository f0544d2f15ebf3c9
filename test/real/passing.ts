import path from 'node:path'
import { expect } from 'vitest'

import type { Session } from '../../src/index.ts'

const shown = 4000

/** Runs a line of sh(1) in the session, in a folder of /tmp or another one, that has to end with 0. Gives what it wrote; a failed one shows the end of that. */
export async function passing(session: Session, line: string, cwd?: string): Promise<string> {
  const { exitCode, signal, all = '' } = await session.run(['sh', '-ec', line], { reject: false, all: true, ...(cwd !== undefined && { cwd: path.resolve('/tmp', cwd) }) })
  expect({ line, exitCode, signal, ...(exitCode !== 0 && { all: String(all).slice(-shown) }) }).toEqual({ line, exitCode: 0, signal: undefined })
  return String(all)
}
