// Builds the addon for FreeBSD on this machine: by binding.gyp like any other, with another compiler.
import { copyFileSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'

import { requireTool } from './not-run.mjs'
import { freebsdTarget } from './target.mjs'
import { cacheFolder, packageRoot, runTool } from './workspace.mjs'

/** The path of a fresh buildjail.node for FreeBSD on x64, with buildjail-watch beside it. What has not changed is not compiled again. */
export function crossCompile(sysroot) {
  const folder = layOutSources()
  const compilers = compilersFor(sysroot)
  const env = { ...process.env, ...compilers, CFLAGS: '', CXXFLAGS: '', CPPFLAGS: '', LDFLAGS: '' }
  const nodeGyp = path.join(packageRoot, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  // The generator's name is what makes OS=="freebsd" true in binding.gyp.
  const configure = ['configure', '--arch=x64', ...nodeHeaders(), '--', '-f', 'make-freebsd']
  runTool(process.execPath, [nodeGyp, ...configure], { cwd: folder, env })
  runTool('make', ['-C', 'build', 'BUILDTYPE=Release', '-j2'], { cwd: folder, env })
  return path.join(folder, 'build', 'Release', 'buildjail.node')
}

/** The program that goes with an addon, beside it. */
export function watcherOf(addon) {
  return addon.replace(/\.node$/, '-watch')
}

// node-gyp builds below the folder it is called in, so it gets one of its own: build/ of the package is the host's.
function layOutSources() {
  const folder = cacheFolder('native')
  for (const name of readdirSync(packageRoot)) {
    if (/\.gypi?$/.test(name)) copyFileSync(path.join(packageRoot, name), path.join(folder, name))
  }
  // A link, so that make sees the sources' own times. node-addon-api is found through the parent folders.
  const link = path.join(folder, 'native')
  if (!existsSync(link)) symlinkSync(path.relative(folder, path.join(packageRoot, 'native')), link)
  return folder
}

function compilersFor(sysroot) {
  const target = freebsdTarget(sysroot)
  const cc = [requireTool('clang', 'clang-19'), ...target].join(' ')
  const cxx = [requireTool('clang++', 'clang-19'), ...target, '-stdlib=libc++'].join(' ')
  // libc++ stays a shared library: FreeBSD's libc++.a is not position independent.
  const link = `${cxx} --ld-path=${requireTool('ld.lld', 'lld-19')}`
  return { CC: cc, CXX: cxx, LINK: link }
}

// The headers beside this node, where there are any: node-gyp would download them.
function nodeHeaders() {
  const prefix = path.dirname(path.dirname(process.execPath))
  return existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
}
