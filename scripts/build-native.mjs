// Compiles the native code where this lies: in a clone, where `npm ci` runs it, and in an installed package that has no prebuilt addon for
// its host, where the error says so (src/native/load.ts).
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { compile } from './build-native/compile.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

if (process.platform !== 'freebsd' && process.platform !== 'linux') {
  // A clone still installs there, for its sources and types.
  console.log(`buildjail: ${process.platform} has neither jails nor namespaces, so there is no native code to compile.`)
} else {
  process.exitCode = await compile(root, { keepsObjects: existsSync(path.join(root, '.git')) })
}
