// npm runs this on installation, and anybody may: `node scripts/install.mjs`. Where a prebuilt addon loads there is nothing to do.
// Else it compiles one, on a system where that can do something; a project that depends on buildjail still installs (for its types,
// say) where there are no jails. In a checkout it always compiles, as the sources may have been changed.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { compile } from './install/compile.mjs'
import { prebuiltThatLoads } from './install/prebuilt.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

if (process.platform !== 'freebsd' && process.platform !== 'linux') {
  console.log(`buildjail: ${process.platform} has neither jails nor namespaces; installed without native code.`)
} else {
  const isCheckout = existsSync(path.join(root, '.git'))
  const prebuilt = isCheckout ? { reason: 'this is a checkout' } : await prebuiltThatLoads(root)
  if (prebuilt.file === undefined) process.exitCode = await compile(root, { why: prebuilt.reason, keepsObjects: isCheckout })
}
