// Builds the addon for FreeBSD on this machine: by binding.gyp like any other, with another compiler.
import { buildInFolder } from '../gyp-folder.mjs'
import { requireTool } from '../guest/not-run.mjs'
import { freebsdTarget } from './target.mjs'
import { cacheFolder } from './workspace.mjs'

/**
 * The path of a fresh buildjail.node for FreeBSD on x64, with buildjail-watch beside it. What has not changed is not
 * compiled again.
 * @param {{ faults?: boolean, portable?: boolean, folder?: string }} options `faults`: the tests' own build (test/faults/native);
 *   `portable`: one to give away, stripped; `folder`: of the cache, where a build of other sources may lie already
 */
export function crossCompile(sysroot, { faults = false, portable = false, folder = faults ? 'native-faults' : 'native' } = {}) {
  const env = { ...process.env, ...compilersFor(sysroot), CFLAGS: '', CXXFLAGS: '', CPPFLAGS: '', LDFLAGS: '' }
  // The generator's name is what makes OS=="freebsd" true in binding.gyp.
  const configure = ['--arch=x64', '--', '-f', 'make-freebsd', `-Dfaults=${Number(faults)}`, `-Dportable=${Number(portable)}`]
  return buildInFolder(cacheFolder(folder), { configure, env })
}

function compilersFor(sysroot) {
  const target = freebsdTarget(sysroot)
  const cc = [requireTool('clang', 'clang-19'), ...target].join(' ')
  const cxx = [requireTool('clang++', 'clang-19'), ...target, '-stdlib=libc++'].join(' ')
  // libc++ stays a shared library: FreeBSD's libc++.a is not position independent.
  const link = `${cxx} --ld-path=${requireTool('ld.lld', 'lld-19')}`
  return { CC: cc, CXX: cxx, LINK: link }
}
