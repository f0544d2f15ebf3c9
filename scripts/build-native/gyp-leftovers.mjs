// What gyp leaves outside of build/: the rules of another package's targets, at the place that the package has seen from here, seen from build/.
import { readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const written = /^node_addon_api\w*\.(?:target\.mk|Makefile)$/

/** Takes the rules of node-addon-api away, and the folders that gyp has made for them. */
export function removeGypLeftovers(root) {
  try {
    const own = realpathSync(root)
    const build = path.join(own, 'build')
    const api = path.dirname(createRequire(path.join(own, 'package.json')).resolve('node-addon-api'))
    const folder = path.resolve(build, path.relative(own, api))
    if (folder.startsWith(`${build}${path.sep}`)) return
    for (const name of readdirSync(folder)) if (written.test(name)) rmSync(path.join(folder, name))
    // Up to the first that has something of others' in it, which cannot be removed.
    for (let empty = folder; ; empty = path.dirname(empty)) rmdirSync(empty)
  } catch {
    // Nothing needs them gone.
  }
}
