// What an earlier state of the sources was compiled into is not packed with what they are now: tsc removes nothing.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const compiled = /\.(?:js|d\.ts)$/

for (const entry of readdirSync(path.join(root, 'dist'), { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name)
  const source = path.join(root, 'src', path.relative(path.join(root, 'dist'), file))
  const isOfSource = existsSync(source) || existsSync(source.replace(compiled, '.ts'))
  if (entry.isFile() && !isOfSource) rmSync(file)
}
