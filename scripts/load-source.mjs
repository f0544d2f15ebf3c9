// What a module of TypeScript exports, with all that it imports, for scripts that make documents of the sources.
import { build } from 'esbuild'

import { packageRoot } from './guest/workspace.mjs'

/** @param {string} source as a file in the package's folder would have it */
export async function loadSource(source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: packageRoot, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    // It has no place of its own.
    define: { 'import.meta.url': '"file:///"' },
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}
