// A project's dependencies, as npm's cache has them: what `npm ci --offline` wants.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * @param {string} project a folder with a package.json, in which `*` is the version that this package itself is tested with
 * @param {string} lockFile this package's own package-lock.json: what is newer may want what a registry does not have
 * @param {string} folder gets `folder/npm/project`, with package.json and its lock file, and `folder/npm/cache`; they stay for the next time
 * @returns {Record<string, string>} why it is not there, by its name
 */
export function fetchNpmCache(project, lockFile, folder) {
  const to = path.join(folder, 'npm')
  if (existsSync(to)) return {}
  const work = mkdtempSync(`${to}-`)
  try {
    // For whoever the tests are run as.
    chmodSync(work, 0o755)
    const copy = path.join(work, 'project')
    mkdirSync(copy)
    writeFileSync(path.join(copy, 'package.json'), settled(path.join(project, 'package.json'), lockFile))
    const cache = `--cache=${path.join(work, 'cache')}`
    for (const words of [['install', '--package-lock-only'], ['ci', '--ignore-scripts']]) npm([...words, cache, '--no-audit', '--no-fund'], copy)
    rmSync(path.join(copy, 'node_modules'), { recursive: true })
    renameSync(work, to)
    return {}
  } catch (error) {
    return { npm: error.message }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function settled(file, lockFile) {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8'))
  const theirs = JSON.parse(readFileSync(file, 'utf8'))
  for (const name of Object.keys(theirs.devDependencies)) theirs.devDependencies[name] = packages[`node_modules/${name}`].version
  return JSON.stringify(theirs)
}

function npm(words, cwd) {
  const { status, error, stderr } = spawnSync('npm', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
  if (error !== undefined) throw new Error(`npm: ${error.message}`)
  if (status !== 0) throw new Error(`npm ${words[0]}: ${stderr.trim().split('\n').at(0) || `exit code ${status}`}`)
}
