// Projects with their dependencies in them, as somebody has them who works on one.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'

/**
 * @param {string} projects has a folder for each
 * @param {readonly string[]} names
 * @param {string} folder gets a folder for each; they stay for the next time
 * @returns {Record<string, string>} why one is not there, by its name
 */
export function fetchInstalled(projects, names, folder) {
  return Object.fromEntries(names.flatMap((name) => install(path.join(projects, name), path.join(folder, name)).map((why) => [name, why])))
}

function install(project, to) {
  if (existsSync(to)) return []
  const work = mkdtempSync(`${to}-`)
  try {
    // The tests are run by another user as well.
    chmodSync(work, 0o755)
    cpSync(project, work, { recursive: true })
    // pnpm links packages of the workspace to each other, and npm does not know its protocol for that.
    const isPnpm = existsSync(path.join(work, 'pnpm-workspace.yaml'))
    const words = isPnpm ? ['exec', '--yes', '--', 'pnpm@10', 'install', '--ignore-scripts', '--store-dir', path.join(work, '.store')] : ['install', '--ignore-scripts', '--no-audit', '--no-fund']
    const { status, error, stderr } = spawnSync('npm', words, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
    if (error !== undefined) throw error
    if (status !== 0) throw new Error(`npm ${words[0]}: ${stderr.trim().split('\n').at(0) || `exit code ${status}`}`)
    rmSync(path.join(work, '.store'), { recursive: true, force: true })
    renameSync(work, to)
    return []
  } catch (error) {
    return [error.message]
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
