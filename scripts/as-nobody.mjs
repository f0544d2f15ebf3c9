import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import path from 'node:path'

/** Options of spawn for the user who has nothing, and a home of its own below the folder. For root. */
export function asNobody(folder) {
  const nobody = 65534
  const home = path.join(folder, 'home')
  mkdirSync(home, { mode: 0o700 })
  chownSync(home, nobody, nobody)
  chmodSync(folder, 0o755)
  return { uid: nobody, gid: nobody, env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home } }
}
