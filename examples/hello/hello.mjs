// A C program compiled in a session of its own, run there, then run on the host.
//   npm run hello      or, where there is Bun instead of Node:      bun examples/hello/hello.mjs
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { openSession, preflight } from '../../dist/index.js'
import { bundleInstead } from './bundle.mjs'
import { printTimings } from './timings.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))

const { isSupported, obstacles } = preflight()
if (isSupported) {
  const output = mkdtempSync(path.join(tmpdir(), 'buildjail-hello-'))
  try {
    if (!(await hello(output))) await bundleInstead(output)
  } finally {
    rmSync(output, { recursive: true })
  }
} else {
  console.error('no session can be opened here:')
  for (const { check, problem, remedy } of obstacles) console.error(`  ${check}: ${problem}\n    remedy: ${remedy}`)
  process.exitCode = 1
}

/** False when there is no compiler to show it with. */
async function hello(output) {
  const session = await openSession({ name: 'hello', inputs: { src: here }, output })
  try {
    await session.run(['cc', '-O2', '-o', '/output/hello', '/inputs/src/hello.c'])
    const inside = await session.run(['/output/hello'])
    process.stdout.write(`inside:      ${inside.stdout}`)
  } catch (error) {
    // What the kernel says when the program to be executed is not there; anything else is a failure of the example.
    if (error.code !== 'ENOENT' || error.syscall !== 'execve') throw error
    const remedy = process.platform === 'freebsd' ? "the base system's toolchain, or pkg install llvm" : 'apt install gcc libc6-dev'
    console.log(`no cc in the session (${remedy}); a bundle by esbuild instead`)
    return false
  } finally {
    await session.close()
  }
  const outside = spawnSync(path.join(output, 'hello'), { encoding: 'utf8' })
  if (outside.error !== undefined) throw outside.error
  process.stdout.write(`on the host: ${outside.stdout}\n`)
  printTimings(session.trace)
  return true
}
