// The package's own TypeScript, bundled in a session by esbuild: one static binary from npm and no compiler.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { openSession } from '../../dist/index.js'
import { printTimings } from './timings.mjs'

const packageFolder = fileURLToPath(new URL('../..', import.meta.url))

export async function bundleInstead(output) {
  const esbuild = path.join(packageFolder, 'node_modules', '@esbuild', `${process.platform}-${process.arch}`, 'bin')
  if (!existsSync(esbuild)) {
    console.error(`no esbuild either: ${esbuild} is not there (npm install --include=dev --include=optional)`)
    process.exitCode = 1
    return
  }
  const session = await openSession({
    name: 'bundle',
    toolchain: 'none',
    inputs: { esbuild, src: path.join(packageFolder, 'src') },
    output,
  })
  try {
    const { stderr } = await session.run([
      '/inputs/esbuild/esbuild',
      '/inputs/src/index.ts',
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--outfile=/output/buildjail.mjs',
    ])
    console.log(`inside:      esbuild: ${stderr.trim().replaceAll(/\s+/g, ' ')}`)
  } finally {
    await session.close()
  }
  const bundle = await import(pathToFileURL(path.join(output, 'buildjail.mjs')).href)
  console.log(`on the host: the bundle offers ${Object.keys(bundle).toSorted().join(', ')}\n`)
  printTimings(session.steps)
}
