// Compiles the native code where this lies: in a clone, where `npm ci` runs it, and in an installed package that has no prebuilt addon for
// its host, where the error says so (src/native/load.ts).
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { compile } from './build-native/compile.mjs'

if (process.argv.length > 2) {
  console.error(`buildjail: ${path.basename(process.argv[1])} takes no arguments; it compiles the native code anew`)
  process.exit(1)
}

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

if (process.platform !== 'freebsd' && process.platform !== 'linux') {
  // A clone still installs there, for its sources and types.
  console.log(`buildjail: ${process.platform} has neither jails nor namespaces, so there is no native code to compile.`)
} else {
  process.exitCode = await compile(root, { keepsObjects: existsSync(path.join(root, '.git')) })
}
