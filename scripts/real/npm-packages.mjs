// Packages as npm has them, with what they are tested with installed in them. Of those whose tests are in the package.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'

/**
 * @param {Readonly<Record<string, string>>} versions by the name of the package
 * @param {string} folder each is unpacked to `folder/name`, where it stays for the next time
 * @returns {Record<string, string>} why one is not there, by its name
 */
export function fetchNpmPackages(versions, folder) {
  return Object.fromEntries(Object.entries(versions).flatMap(([name, version]) => fetchOne(`${name}@${version}`, path.join(folder, name)).map((why) => [name, why])))
}

function fetchOne(wanted, to) {
  if (existsSync(to)) return []
  const work = mkdtempSync(`${to}-`)
  try {
    run('npm', ['pack', '--silent', wanted], work)
    const tar = readdirSync(work).find((name) => name.endsWith('.tgz'))
    run('tar', ['--extract', '--no-same-owner', `--file=${tar}`], work)
    const unpacked = path.join(work, 'package')
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], unpacked)
    // The tests are run by other users as well.
    chmodSync(unpacked, 0o755)
    renameSync(unpacked, to)
    return []
  } catch (error) {
    return [error.message]
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function run(program, words, cwd) {
  const { status, error, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
  if (error !== undefined) throw new Error(`${program}: ${error.message}`)
  if (status !== 0) throw new Error(`${program} ${words[0]}: ${stderr.trim().split('\n').at(0) || `exit code ${status}`}`)
}
