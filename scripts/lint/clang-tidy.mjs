// clang-tidy over the native code, two files at a time: all that this system compiles, and FreeBSD's part too where a
// sysroot is there to read its headers from. What nothing was found in before is left out (found-clean.mjs).
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'

import { freebsdTarget } from '../freebsd/target.mjs'
import { foundClean } from './found-clean.mjs'
import { nativeFiles } from './native-files.mjs'
import { runTool } from './run-tool.mjs'

const PARALLEL = 2

/** Resolves with `{ ok, output }`. */
export async function clangTidy(tool, root, sysroot) {
  const clean = foundClean(root, execFileSync(tool, ['--version'], { encoding: 'utf8' }))
  const queue = jobs(root, sysroot).filter((job) => !clean.has(job))
  const results = []
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const result = await runTool(tool, ['--quiet', job.file, '--', ...job.flags], root)
      if (result.ok) clean.add(job)
      results.push(result)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  const failed = results.filter((result) => !result.ok)
  return { ok: failed.length === 0, output: failed.map((result) => withoutCounts(result.output)).join('') }
}

function jobs(root, sysroot) {
  const flags = commonFlags(root)
  const flagsOf = { [process.platform]: flags }
  if (sysroot !== undefined) flagsOf.freebsd ??= [...freebsdTarget(sysroot), '-stdlib=libc++', ...flags]
  return ['native', 'runner/launch', 'test/faults/native']
    .flatMap((folder) => nativeFiles(root, folder, ['.cc']))
    .map((file) => ({ file, flags: flagsOf[systemOf(file) ?? process.platform] }))
    .filter((job) => job.flags !== undefined)
    // The addon of the fault tests alone has these files.
    .map((job) => (job.file.includes('test/faults/native/') ? { ...job, flags: [...job.flags, '-DBUILDJAIL_FAULTS'] } : job))
}

/** A file for one system lies in its folder or has its name at the end of its own. */
function systemOf(file) {
  return /[/_](freebsd|linux)(?:\/|\.cc$)/.exec(file)?.[1]
}

// What binding.gyp says, as far as it changes what the code means.
function commonFlags(root) {
  const require = createRequire(path.join(root, 'package.json'))
  const folders = [path.dirname(require.resolve('node-addon-api/napi.h')), require('node-api-headers').include_dir]
  // As seen from the checkout, so that what was found clean in one is clean in another.
  const headers = folders.map((folder) => path.relative(root, folder))
  return ['-std=c++20', '-Inative', '-DNAPI_VERSION=9', ...headers.flatMap((folder) => ['-isystem', folder])]
}

/** clang-tidy counts the warnings it does not show. */
function withoutCounts(output) {
  return output.replace(/^\d+ warnings?( and \d+ errors?)? generated\.\n/gm, '')
}
