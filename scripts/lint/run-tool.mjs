// Runs one tool of the lint and keeps what it says.
import { spawn } from 'node:child_process'

/** Resolves with `{ ok, output }`, output being stdout and stderr as they came. */
export function runTool(file, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.once('error', reject)
    child.once('close', (status) => resolve({ ok: status === 0, output }))
  })
}
