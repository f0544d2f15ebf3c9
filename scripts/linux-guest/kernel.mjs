// The kernel that Debian ships for this processor, from its own package: unpacked into the cache, never installed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'

import { NotRun, requireTool } from '../guest/not-run.mjs'
import { runTool } from '../guest/workspace.mjs'
import { cacheFolder } from './workspace.mjs'

// Not linux-image-cloud-amd64: it has no 9p.
const metapackage = 'linux-image-amd64'
const kernelName = /^linux-image-\d\S*-amd64$/

/** `{ image, modules }`: the kernel's file, and the folder of its modules, which are compressed by xz(1) as Debian ships them. */
export function guestKernel() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new NotRun('the guest is for Linux on x64 only')
  const folder = unpackedKernel(cacheFolder('kernel'))
  const [version] = readdirSync(path.join(folder, 'usr', 'lib', 'modules'))
  return { image: path.join(folder, 'boot', `vmlinuz-${version}`), modules: path.join(folder, 'usr', 'lib', 'modules', version) }
}

// What an earlier run has fetched will do where apt has forgotten its lists, or cannot reach what they name.
function unpackedKernel(cache) {
  const known = newest(cache)
  const wanted = offered() ?? known
  if (wanted === undefined) throw new NotRun(`apt-get knows no package ${metapackage}; Debian has it, and apt-get update asks what there is`)
  if (wanted === known) return path.join(cache, known)
  try {
    return fetch(wanted, cache)
  } catch (error) {
    if (known === undefined || !(error instanceof NotRun)) throw error
    console.error(`[linux-guest] ${error.message}; ${known} is here`)
    return path.join(cache, known)
  }
}

/** The package that the metapackage stands for today, as far as apt knows. */
function offered() {
  const { stdout, error } = spawnSync('apt-cache', ['depends', metapackage], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  if (error !== undefined) return undefined
  return stdout.split(/\s+/).find((word) => kernelName.test(word))
}

function newest(cache) {
  const known = readdirSync(cache).filter((name) => kernelName.test(name))
  return known.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1)
}

/** The folder of the package, in place of what the cache had before. */
function fetch(name, cache) {
  const tools = [requireTool('apt-get', 'apt'), requireTool('dpkg-deb', 'dpkg')]
  const work = mkdtempSync(path.join(cache, 'work-'))
  try {
    unpack(name, work, tools)
    for (const old of readdirSync(cache)) if (kernelName.test(old)) rmSync(path.join(cache, old), { recursive: true })
    renameSync(path.join(work, 'unpacked'), path.join(cache, name))
    return path.join(cache, name)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function unpack(name, work, [aptGet, dpkgDeb]) {
  // apt-get download puts the package where it is run.
  const done = spawnSync(aptGet, ['download', name], { cwd: work, encoding: 'utf8' })
  const file = readdirSync(work).find((entry) => entry.endsWith('.deb'))
  if (done.status !== 0 || file === undefined) throw new NotRun(`apt-get could not download ${name}: ${(done.stderr ?? '').trim()}`)
  runTool(dpkgDeb, ['-x', path.join(work, file), path.join(work, 'unpacked')])
}
