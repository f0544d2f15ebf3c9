// How a prebuilt addon is made on this machine: by its own compiler, or by one for another system.
import path from 'node:path'

import { findTool } from '../find-tool.mjs'
import { crossCompile } from '../freebsd/cross-compile.mjs'
import { sysrootOrNothing } from '../freebsd/locate.mjs'
import { buildInFolder } from '../gyp-folder.mjs'
import { workspaceOf } from '../guest/workspace.mjs'
import { runningLibc } from './running-libc.mjs'

const { cacheFolder } = workspaceOf('prebuild')

/** A function that makes it and returns the addon's path, or why there is none. */
export function howToMake(artefact) {
  const { name, system, arch, libc } = artefact
  if (system === process.platform && arch === process.arch && libc === runningLibc()) return () => build(name)
  if (name === 'freebsd-x64') {
    const sysroot = sysrootOrNothing()
    return sysroot === undefined ? 'there is no sysroot of FreeBSD here (npm run test:freebsd says which)' : () => crossCompile(sysroot, { portable: true, folder: 'native-portable' })
  }
  if (name === 'linux-arm64-gnu' && process.platform === 'linux') return crossArm64(name)
  return `it takes a ${system === 'linux' ? `${libc} ` : ''}machine with ${system} on ${arch}; the release workflow has one`
}

function build(name, configure = [], env = process.env) {
  return buildInFolder(cacheFolder(name), { configure: [...configure, '--', '-Dportable=1'], env })
}

function crossArm64(name) {
  const compiler = findTool('aarch64-linux-gnu-g++')
  if (compiler === undefined) return "aarch64-linux-gnu-g++ was not found; it comes with Debian's package g++-aarch64-linux-gnu"
  const cc = path.join(path.dirname(compiler), path.basename(compiler).replace('g++', 'gcc'))
  // An archive is of any processor's objects to ar(1).
  const env = { ...process.env, CC: cc, CXX: compiler, LINK: compiler, CFLAGS: '', CXXFLAGS: '', CPPFLAGS: '', LDFLAGS: '' }
  return () => build(name, ['--arch=arm64'], env)
}
