// In a clone the runner uses the package that it lies in. npm would make the same link for a dependency of `file:..`, but install, and so compile, that package twice.
import { lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const link = path.join(fileURLToPath(new URL('..', import.meta.url)), 'node_modules', 'buildjail')
mkdirSync(path.dirname(link), { recursive: true })
if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(path.join('..', '..'), link)
