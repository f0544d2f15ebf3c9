// Builds of the addon beside the one that is installed: by the same binding.gyp, in a folder of their own.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/**
 * Builds in `folder`, which lies in the package's, as node-addon-api is found through its parents. What has not changed
 * is not compiled again.
 * @param {{ configure?: string[], env?: NodeJS.ProcessEnv }} options arguments of node-gyp and, after `--`, of gyp
 * @returns the path of the addon
 */
export function buildInFolder(folder, { configure = [], env = process.env } = {}) {
  layOutSources(folder)
  const nodeGyp = path.join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  run(process.execPath, [nodeGyp, 'configure', ...nodeHeaders(), ...configure], { cwd: folder, env })
  run('make', ['-C', 'build', 'BUILDTYPE=Release', '-j2'], { cwd: folder, env })
  return path.join(folder, 'build', 'Release', 'buildjail.node')
}

// node-gyp builds below the folder it is called in: build/ of the package is the host's own.
function layOutSources(folder) {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(root)) {
    if (/\.gypi?$/.test(name)) copyFileSync(path.join(root, name), path.join(folder, name))
  }
  // Links, so that make sees the sources' own times. test/ has those of the build for fault injection.
  for (const name of ['native', 'test']) {
    const link = path.join(folder, name)
    if (!existsSync(link)) symlinkSync(path.relative(folder, path.join(root, name)), link)
  }
}

// The headers beside this node, where there are any: node-gyp would download them.
function nodeHeaders() {
  const prefix = path.dirname(path.dirname(process.execPath))
  return existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
}

function run(file, args, options) {
  const done = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64 << 20, ...options })
  if (done.error) throw done.error
  if (done.status !== 0) {
    throw new Error(`${[file, ...args].join(' ')} failed (${done.signal ?? done.status})\n${done.stdout}${done.stderr}`)
  }
}
