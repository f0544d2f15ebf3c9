// A farm of one machine for tests: a server of justbuild, which executes actions as a client of the Remote Execution API asks.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Below its local build root: `protocol-dependent/generation-0/ephemeral/exec_root/ID/build_root`. */
export const depthOfInputRoots = 6

const longest = 20_000

/**
 * Resolves when it serves.
 * @param {string} root its local build root
 * @param {readonly string[]} launcher the words before the command of each action
 * @param {readonly string[]} more of its options
 * @returns {Promise<{ address: string, end: () => void }>}
 */
export async function startFarm(root, launcher, more = []) {
  const info = `${root}.json`
  const words = ['execute', '--local-build-root', root, '-L', JSON.stringify(launcher), '--info-file', info, '--plain-log', ...more]
  const server = spawn('justbuild', words, { stdio: 'ignore' })
  const end = () => server.kill('SIGKILL')
  const began = performance.now()
  for (;;) {
    const found = read(info)
    if (found !== undefined) return { address: `${found.interface}:${found.port}`, end }
    if (server.exitCode !== null || performance.now() - began > longest) {
      end()
      throw new Error(`justbuild does not serve (${server.exitCode})`)
    }
    await sleep(20)
  }
}

/** Undefined where it is not there, or not whole. */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
