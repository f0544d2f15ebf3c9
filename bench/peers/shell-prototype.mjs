// One build as the shell prototype does it (shell-session.sh).
import { fileURLToPath } from 'node:url'

import { folder } from '../cases/folders.mjs'
import { spawnToEnd } from './spawn.mjs'

const script = fileURLToPath(new URL('shell-session.sh', import.meta.url))

/** Runs the command with one input and an output. */
export function shellPrototype(bench, command) {
  const folders = ['shell-root', 'shell-input', 'shell-output'].map((name) => folder(bench, name))
  return () => spawnToEnd(script, [...folders, ...command])
}
