// What clang-tidy found nothing in is not looked at again while nothing of it has changed: its file, the headers of ours that it
// includes, its flags, the checks and the packages. Most of clang-tidy's minutes go by in the headers of the system.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

const folder = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'buildjail', 'clang-tidy')

const include = /^\s*#\s*include\s+"([^"]+)"/gm

/** `{ has(job), add(job) }` of jobs `{ file, flags }` whose files are relative to `root`. */
export function foundClean(root, version) {
  const common = [version, ...['.clang-tidy', 'package-lock.json'].map((file) => readFileSync(path.join(root, file), 'utf8'))]
  const included = new Map()

  /** The file, and every file of ours that it includes, however far. */
  function sources(file, found = new Set()) {
    if (found.has(file) || !existsSync(path.join(root, file))) return found
    found.add(file)
    if (!included.has(file)) {
      const text = readFileSync(path.join(root, file), 'utf8')
      const names = [...text.matchAll(include)].map(([, name]) => name)
      included.set(file, { text, names })
    }
    for (const name of included.get(file).names) {
      sources(path.join('native', name), found)
      sources(path.join(path.dirname(file), name), found)
    }
    return found
  }

  const place = ({ file, flags }) => {
    const hash = createHash('sha256')
    for (const part of [...common, ...flags]) hash.update(`${part}\0`)
    for (const name of [...sources(file)].sort()) hash.update(`${name}\0${included.get(name).text}\0`)
    return path.join(folder, hash.digest('hex'))
  }

  return {
    has: (job) => existsSync(place(job)),
    add: (job) => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(place(job), '')
    },
  }
}
