// Runs a case in a fresh process and gets its result from there.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('case-process.mjs', import.meta.url))
// Where a session's memory is measured, what is garbage has to be gone.
const flags = globalThis.Bun === undefined ? ['--expose-gc'] : []

/**
 * @param {{ folder: string, isQuick: boolean }} bench a folder of the case's own, and whether few samples do
 * @returns the case's result; `{ failed }` when it did not come to one
 */
export async function runCase(name, bench) {
  const child = spawn(process.execPath, [...flags, program, name, JSON.stringify(bench)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Milliseconds. What hangs is a failure and not a reason to wait.
    timeout: 1_800_000,
    killSignal: 'SIGKILL',
  })
  const [answer, [status, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return status === 0 ? JSON.parse(answer) : { failed: `its process ended early (${signal ?? status})` }
}
