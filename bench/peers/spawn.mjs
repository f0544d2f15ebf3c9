// child_process.spawn of the same command without any jail, as a program would call it: with its output collected.
import { spawn } from 'node:child_process'

/** Resolves with stdout when the command has succeeded. */
export function spawnToEnd(file, args = [], options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (output[name] += text))
    child.once('error', reject)
    child.once('close', (status, signal) => {
      if (status === 0) resolve(output.stdout)
      else reject(new Error(`${[file, ...args.slice(0, 3)].join(' ')} failed (${signal ?? status}): ${output.stderr}`))
    })
  })
}
