// The pages that tell of the package: what people read on the way in, and everything in docs/.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Paths below the root of the repository, with `/`, in order. */
export function pages() {
  const inDocs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.split(path.sep).join('/')}`)
  const atTheTop = readdirSync(root).filter((name) => name.endsWith('.md'))
  return [...atTheTop, ...inDocs].toSorted()
}
