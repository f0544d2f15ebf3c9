// Projects with their dependencies in them, as somebody has them who works on one.
import { cpSync, existsSync, rmSync } from 'node:fs'
import path from 'node:path'

import { fetchedOnce, run } from './fetched-once.mjs'

/**
 * @param {string} projects has a folder for each
 * @param {readonly string[]} names
 * @param {string} folder gets a folder for each; they stay for the next time
 * @returns {Record<string, string>} why one is not there, by its name
 */
export function fetchInstalled(projects, names, folder) {
  return Object.assign({}, ...names.map((name) => fetchedOnce(name, path.join(folder, name), (work) => install(path.join(projects, name), work))))
}

function install(project, work) {
  cpSync(project, work, { recursive: true })
  // pnpm links packages of the workspace to each other, and npm does not know its protocol for that.
  const isPnpm = existsSync(path.join(work, 'pnpm-workspace.yaml'))
  const words = isPnpm ? ['exec', '--yes', '--', 'pnpm@10', 'install', '--ignore-scripts', '--store-dir', path.join(work, '.store')] : ['install', '--ignore-scripts', '--no-audit', '--no-fund']
  run('npm', words, work)
  rmSync(path.join(work, '.store'), { recursive: true, force: true })
}
