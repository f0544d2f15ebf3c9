// What compiling takes, and whether it is here.
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)
  for (const name of names) {
    const file = folders.map((folder) => path.join(folder, name)).find((candidate) => existsSync(candidate))
    if (file !== undefined) return file
  }
  return undefined
}

/** In words for people; none where all is here. */
export function missingTools() {
  const isFreebsd = process.platform === 'freebsd'
  const wanted = [
    ['a C++20 compiler', () => process.env.CXX !== undefined || onPath('g++', 'c++', 'clang++') !== undefined],
    [isFreebsd ? 'gmake' : 'make', () => onPath(isFreebsd ? 'gmake' : 'make') !== undefined],
    ['Python 3', () => onPath('python3', 'python') !== undefined || process.env.PYTHON !== undefined || process.env.npm_config_python !== undefined],
  ]
  return wanted.filter(([, isHere]) => !isHere()).map(([name]) => name)
}

/** The words that start node-gyp: the one that npm names, the package's own, one on the PATH, or npm's where npm is on the PATH. */
export function findNodeGyp(root) {
  const script = process.env.npm_config_node_gyp ?? resolved(root)
  if (script !== undefined && existsSync(script)) return [process.execPath, script]
  const program = onPath('node-gyp')
  if (program !== undefined) return [program]
  const npm = onPath('npm')
  const ofNpm = npm === undefined ? undefined : resolved(path.dirname(realpathSync(npm)))
  return ofNpm === undefined ? undefined : [process.execPath, ofNpm]
}

function resolved(folder) {
  try {
    return createRequire(path.join(folder, 'package.json')).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    return undefined
  }
}
