import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Session, SessionRecord } from 'buildjail'

/** The name of the file in the folder for server logs. */
const serverLogName = 'buildjail.json'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/** For a later look at what an action had: the session in the kernel's words, and what each step took. */
export interface ServerLog {
  readonly command: readonly string[]
  readonly cwd: string
  readonly result: Readonly<Record<string, unknown>>
  readonly session: SessionRecord | { readonly id: string; readonly problem: string }
}

/** Asked while the session is open. That it does not answer is no failure of the action. */
export async function recordOf(session: Session): Promise<ServerLog['session']> {
  try {
    return await session.record()
  } catch (error) {
    return { id: session.id, problem: (error as Error).message }
  }
}

/** @param session closed: its steps are those of closing too */
export async function writeServerLog(folder: string, log: ServerLog, session: Session): Promise<void> {
  const file = await open(path.join(folder, serverLogName), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
  try {
    await file.writeFile(`${JSON.stringify({ ...log, steps: session.steps }, plain, 2)}\n`)
  } finally {
    await file.close()
  }
}

/** A jail has parameters that are bigints. */
function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
