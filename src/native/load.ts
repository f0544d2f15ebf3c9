import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import { BindingNotFoundError, UnsupportedPlatformError } from '../errors.ts'
import type { NativeBinding } from './binding.ts'

// The package's folder: this file is two levels below it, in src/ as in dist/.
const candidates = [
  `../../prebuilds/${process.platform}-${process.arch}.node`,
  '../../build/Release/buildjail.node',
  '../../build-cmake/Release/buildjail.node',
].map((file) => fileURLToPath(new URL(file, import.meta.url)))

let loaded: NativeBinding | undefined

/**
 * The addon, loaded at first use: importing the package works on every system.
 * @throws UnsupportedPlatformError, or BindingNotFoundError that lists the tried files
 */
export function binding(): NativeBinding {
  loaded ??= load()
  return loaded
}

function load(): NativeBinding {
  if (process.platform !== 'freebsd' && process.platform !== 'linux') throw new UnsupportedPlatformError('native code')
  const require = createRequire(import.meta.url)
  const tried: string[] = []
  for (const file of candidates) {
    if (!existsSync(file)) {
      tried.push(`${file}: not there`)
      continue
    }
    try {
      return require(file) as NativeBinding
    } catch (error) {
      tried.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new BindingNotFoundError(
    `the native code could not be loaded; build it with \`npm explore buildjail -- npm run build:native\`. Tried:\n  ${tried.join('\n  ')}`,
  )
}
