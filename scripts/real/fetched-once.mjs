// A folder that is there whole or not at all, and stays for the next time.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'

/**
 * @param {string} name for the reason
 * @param {string} to the folder
 * @param {(work: string) => string | undefined} fetch fills a folder beside it, and may return the part of that which is wanted
 * @returns {Record<string, string>} why it is not there, by the name
 */
export function fetchedOnce(name, to, fetch) {
  if (existsSync(to)) return {}
  const work = mkdtempSync(`${to}-`)
  try {
    const made = fetch(work) ?? work
    // The tests are run by other users as well.
    chmodSync(made, 0o755)
    renameSync(made, to)
    return {}
  } catch (error) {
    return { [name]: error.message }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

export function run(program, words, cwd) {
  const { status, error, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${program} ${words[0]}: ${stderr.trim().split('\n').at(0) || `exit code ${status}`}`)
}
