// The programs of the tests that are no JavaScript, compiled for FreeBSD on this machine: an image need not have a compiler.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { floorSources } from '../../bench/floor/compile.mjs'
import { hostileSource } from '../../bench/hostile/compile.mjs'
import { launchWords } from '../../runner/scripts/launch-program.mjs'
import { compileNativeTests, doctest } from '../../test/native/sources.mjs'
import { probeSources } from '../../test/probe/probe-sources.mjs'
import { requireTool } from '../guest/not-run.mjs'
import { freebsdTarget } from './target.mjs'
import { cacheFolder, packageRoot } from './workspace.mjs'

/**
 * A folder with the attacks (`probe/`), the bench's floor program (`floor`) and hostile build (`hostile/`), the launcher of the runner (`buildjail-launch`) and, if doctest is
 * installed, the tests of native code without a system (`native_test`), for the release of the sysroot. It is made once for each state of their
 * sources.
 */
export async function compilePrograms(sysroot) {
  const cache = cacheFolder('programs')
  const folder = path.join(cache, keyOf(sysroot))
  if (existsSync(folder)) return folder
  for (const name of readdirSync(cache)) rmSync(path.join(cache, name), { recursive: true })
  const work = mkdtempSync(path.join(cache, 'work-'))
  const cc = compiler('clang', sysroot)
  const cxx = compiler('clang++', sysroot, '-stdlib=libc++')
  mkdirSync(path.join(work, 'probe'))
  for (const source of probeSources('freebsd')) await cc('-o', path.join(work, 'probe', path.basename(source, '.c')), source)
  await cc('-O2', '-o', path.join(work, 'floor'), ...floorSources('freebsd'))
  mkdirSync(path.join(work, 'hostile'))
  await cc('-O2', '-o', path.join(work, 'hostile', 'hostile'), hostileSource)
  await cxx(...launchWords(), '-o', path.join(work, 'buildjail-launch'))
  if (doctest !== undefined) await compileNativeTests(path.join(work, 'native_test'), cxx, 'freebsd')
  renameSync(work, folder)
  return folder
}

/** Dynamic programs, like those that a compiler in the guest would make of the same sources. */
function compiler(name, sysroot, ...flags) {
  const file = requireTool(name, 'clang-19')
  const common = [...freebsdTarget(sysroot), `--ld-path=${requireTool('ld.lld', 'lld-19')}`, ...flags]
  return (...args) => promisify(execFile)(file, [...common, ...args], { cwd: packageRoot })
}

function keyOf(sysroot) {
  const hash = createHash('sha256').update(freebsdTarget(sysroot).join(' '))
  hash.update(readFileSync(fileURLToPath(import.meta.url)))
  for (const folder of ['bench/floor', 'bench/hostile', 'native', 'runner/launch', 'test/faults/native', 'test/native', 'test/probe']) {
    for (const name of readdirSync(path.join(packageRoot, folder), { recursive: true }).sort()) {
      const file = path.join(packageRoot, folder, name)
      if (statSync(file).isFile()) hash.update(`\0${name}\0`).update(readFileSync(file))
    }
  }
  return hash.digest('hex').slice(0, 16)
}
