// A C program compiled in a session of its own, run there, then run on the host.
//   npm run hello      or, where there is Bun instead of Node:      bun examples/hello/hello.mjs
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { openSession } from '../../dist/index.js'
import { canOpenSessions, missingCompiler } from '../missing.mjs'
import { bundleInstead } from './bundle.mjs'
import { printTimings } from './timings.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))

if (canOpenSessions()) {
  const output = mkdtempSync(path.join(tmpdir(), 'buildjail-hello-'))
  try {
    if (!(await hello(output))) await bundleInstead(output)
  } finally {
    rmSync(output, { recursive: true })
  }
}

/** False when there is no compiler to show it with. */
async function hello(output) {
  const session = await openSession({ name: 'hello', inputs: { src: here }, output })
  try {
    await session.run(['cc', '-O2', '-o', '/output/hello', '/inputs/src/hello.c'])
    const inside = await session.run(['/output/hello'])
    console.log(`inside:      ${inside.stdout}`)
  } catch (error) {
    const missing = missingCompiler(error)
    if (missing === undefined) throw error
    console.log(`${missing}; a bundle by esbuild instead`)
    return false
  } finally {
    await session.close()
  }
  const outside = spawnSync(path.join(output, 'hello'), { encoding: 'utf8' })
  if (outside.error !== undefined) throw outside.error
  process.stdout.write(`on the host: ${outside.stdout}\n`)
  printTimings(session.steps)
  return true
}
