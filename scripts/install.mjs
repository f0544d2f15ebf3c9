// npm runs this on installation. It builds the native code where it can do something, and succeeds everywhere else,
// so that a project depending on buildjail still installs (for its types, say) on a system that has no jails.
import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

if (process.platform !== 'freebsd' && process.platform !== 'linux') {
  console.log(`buildjail: ${process.platform} has neither jails nor namespaces; installed without native code.`)
} else if (!existsSync(path.join(root, 'prebuilds', `${process.platform}-${process.arch}.node`))) {
  const built = spawnSync('npm', ['run', 'build:native'], { cwd: root, stdio: 'inherit', env: { ...ownHeaders(), ...process.env } })
  if (built.error !== undefined) console.error(`buildjail: its native code could not be built: npm, with which it is, could not be run (${built.error.message})`)
  process.exitCode = built.status ?? 1
}

/** The headers that came with this Node, where they did: node-gyp then downloads none. */
function ownHeaders() {
  const prefix = path.dirname(path.dirname(realpathSync(process.execPath)))
  return existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: prefix } : {}
}
