// A project's dependencies, as npm's cache has them: what `npm ci --offline` wants.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { fetchedOnce, run } from './fetched-once.mjs'

/**
 * @param {string} project a folder with a package.json, in which `*` is the version that this package itself is tested with
 * @param {string} lockFile this package's own package-lock.json: what is newer may want what a registry does not have
 * @param {string} folder gets `folder/npm/project`, with package.json and its lock file, and `folder/npm/cache`; they stay for the next time
 * @returns {Record<string, string>} why it is not there, by its name
 */
export function fetchNpmCache(project, lockFile, folder) {
  return fetchedOnce('npm', path.join(folder, 'npm'), (work) => {
    const copy = path.join(work, 'project')
    mkdirSync(copy)
    writeFileSync(path.join(copy, 'package.json'), settled(path.join(project, 'package.json'), lockFile))
    const cache = `--cache=${path.join(work, 'cache')}`
    for (const words of [['install', '--package-lock-only'], ['ci', '--ignore-scripts']]) run('npm', [...words, cache, '--no-audit', '--no-fund'], copy)
    rmSync(path.join(copy, 'node_modules'), { recursive: true })
  })
}

function settled(file, lockFile) {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8'))
  const theirs = JSON.parse(readFileSync(file, 'utf8'))
  for (const name of Object.keys(theirs.devDependencies)) theirs.devDependencies[name] = packages[`node_modules/${name}`].version
  return JSON.stringify(theirs)
}
