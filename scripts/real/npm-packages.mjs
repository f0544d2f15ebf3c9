// Packages as npm has them, with what they are tested with installed in them. Of those whose tests are in the package.
import { readdirSync } from 'node:fs'
import path from 'node:path'

import { fetchedOnce, run } from './fetched-once.mjs'

/**
 * @param {Readonly<Record<string, string>>} versions by the name of the package
 * @param {string} folder each is unpacked to `folder/name`, where it stays for the next time
 * @returns {Record<string, string>} why one is not there, by its name
 */
export function fetchNpmPackages(versions, folder) {
  return Object.assign({}, ...Object.entries(versions).map(([name, version]) => fetchedOnce(name, path.join(folder, name), (work) => unpack(`${name}@${version}`, work))))
}

function unpack(wanted, work) {
  run('npm', ['pack', '--silent', wanted], work)
  const tar = readdirSync(work).find((name) => name.endsWith('.tgz'))
  run('tar', ['--extract', '--no-same-owner', `--file=${tar}`], work)
  const unpacked = path.join(work, 'package')
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], unpacked)
  return unpacked
}
