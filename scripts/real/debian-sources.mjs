// Sources of Debian's packages, by apt-get(8) from where this host has its packages from. Nothing of the host's apt is changed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const hostsOwn = '/etc/apt'

/**
 * Fetches what upstream has released, without Debian's patches.
 * @param {readonly string[]} names of source packages
 * @param {string} folder each is unpacked to `folder/name`, where it stays for the next time
 * @returns {Record<string, string>} why one is not there, by its name
 */
export function fetchDebianSources(names, folder) {
  const wanted = names.filter((name) => !existsSync(path.join(folder, name)))
  if (wanted.length === 0) return {}
  const apt = path.join(folder, 'apt')
  try {
    mkdirSync(path.join(apt, 'fetched'), { recursive: true })
    const options = optionsIn(apt)
    run('apt-get', [...options, '-qq', 'update'], apt)
    return reasonsOf(wanted, (name) => fetchOne(name, { folder, apt, options }))
  } catch (error) {
    return Object.fromEntries(wanted.map((name) => [name, error.message]))
  } finally {
    rmSync(apt, { recursive: true, force: true })
  }
}

function reasonsOf(names, act) {
  const failed = []
  for (const name of names) {
    try {
      act(name)
    } catch (error) {
      failed.push([name, error.message])
    }
  }
  return Object.fromEntries(failed)
}

function fetchOne(name, { folder, apt, options }) {
  const fetched = path.join(apt, 'fetched', name)
  const unpacked = path.join(apt, name)
  for (const made of [fetched, unpacked]) mkdirSync(made)
  run('apt-get', [...options, '-qq', 'source', '--download-only', '--tar-only', name], fetched)
  const tar = readdirSync(fetched).find((file) => /\.orig\.tar\.\w+$/.test(file))
  if (tar === undefined) throw new Error(`${name} has no tar of its own`)
  run('tar', ['--extract', '--strip-components=1', '--no-same-owner', `--file=${path.join(fetched, tar)}`], unpacked)
  renameSync(unpacked, path.join(folder, name))
}

function optionsIn(apt) {
  const parts = path.join(apt, 'sources')
  for (const made of [parts, 'lists/partial', 'cache/archives/partial']) mkdirSync(path.resolve(apt, made), { recursive: true })
  writeFileSync(path.join(apt, 'sources.list'), '')
  const files = [path.join(hostsOwn, 'sources.list'), ...listed(path.join(hostsOwn, 'sources.list.d'))]
  for (const file of files.filter((one) => existsSync(one))) asSources(file, path.join(parts, path.basename(file)))
  if (readdirSync(parts).length === 0) throw new Error('this host has no apt with sources of packages')
  const settings = {
    'Dir::Etc::SourceList': path.join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': parts,
    'Dir::State::Lists': path.join(apt, 'lists'),
    'Dir::Cache': path.join(apt, 'cache'),
    // Its own user could not write here.
    'APT::Sandbox::User': '',
  }
  return Object.entries(settings).map(([name, value]) => `--option=${name}=${value}`)
}

/** sources.list(5) in both its forms, with the sources in place of the packages; without what is no mirror. */
function asSources(file, to) {
  const text = readFileSync(file, 'utf8')
  if (file.endsWith('.sources')) {
    const stanzas = text.split(/\n\s*\n/).filter((stanza) => /^URIs:\s*(https?|mirror)/m.test(stanza))
    if (stanzas.length > 0) writeFileSync(to, `${stanzas.map((stanza) => stanza.replace(/^Types:.*$/m, 'Types: deb-src')).join('\n\n')}\n`)
  } else if (file.endsWith('.list')) {
    const lines = text.split('\n').filter((line) => /^deb\s.*\bhttps?:/.test(line))
    if (lines.length > 0) writeFileSync(to, lines.map((line) => `${line.replace(/^deb\s/, 'deb-src ')}\n`).join(''))
  }
}

function listed(folder) {
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : []
}

function run(program, words, cwd) {
  const { status, error, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
  if (error !== undefined) throw new Error(`${program}: ${error.message}`)
  if (status !== 0) throw new Error(`${program}: ${stderr.trim().split('\n').at(-1) || `exit code ${status}`}`)
}
