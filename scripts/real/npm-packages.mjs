// Packages as npm has them, with what they are tested with installed in them. Of those whose tests are in the package.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { fetchedOnce, run } from './fetched-once.mjs'

/**
 * @param {Readonly<Record<string, { version: string, unused: readonly string[] }>>} packages by their names; `unused` are those of their devDependencies that no test wants
 * @param {string} folder each is unpacked to `folder/name`, where it stays for the next time
 * @returns {Record<string, string>} why one is not there, by its name
 */
export function fetchNpmPackages(packages, folder) {
  return Object.assign({}, ...Object.entries(packages).map(([name, { version, unused }]) => fetchedOnce(name, path.join(folder, name), (work) => unpack(`${name}@${version}`, unused, work))))
}

function unpack(wanted, unused, work) {
  run('npm', ['pack', '--silent', wanted], work)
  const tar = readdirSync(work).find((name) => name.endsWith('.tgz'))
  run('tar', ['--extract', '--no-same-owner', `--file=${tar}`], work)
  const unpacked = path.join(work, 'package')
  const manifest = path.join(unpacked, 'package.json')
  const theirs = JSON.parse(readFileSync(manifest, 'utf8'))
  for (const name of unused) delete theirs.devDependencies[name]
  writeFileSync(manifest, JSON.stringify(theirs, undefined, 2))
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], unpacked)
  return unpacked
}
