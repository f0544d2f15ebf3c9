// Runs a case in a fresh process and gets its result from there.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('case-process.mjs', import.meta.url))
// Where a session's memory is measured, what is garbage has to be gone.
const flags = globalThis.Bun === undefined ? ['--expose-gc'] : []

// Milliseconds. What hangs is a failure and not a reason to wait.
const longest = ({ isQuick, isEmulated }) => (isQuick ? 120_000 : 1_800_000) * (isEmulated ? 4 : 1)

/**
 * @param {string} name
 * @param {object} settings for case-process.mjs
 * @param {(share: number) => void} onProgress
 * @returns the case's result; `{ failed }` when it did not come to one
 */
export async function runCase(name, settings, onProgress) {
  const child = spawn(process.execPath, [...flags, program, name, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: longest(settings),
    killSignal: 'SIGKILL',
  })
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve(signal ?? status))
  })
  let last = {}
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line)
    if (last.progress !== undefined) onProgress(last.progress)
  }
  const status = await ended
  if (last.failed !== undefined) return { failed: last.failed }
  if (status !== 0 || last.result === undefined) return { failed: `its process ended early (${status})` }
  return last.result
}
