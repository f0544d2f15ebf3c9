// In a clone, a workspace uses the package that it lies in: `node ../scripts/link-workspace.mjs`, in the folder of the workspace. npm would make the same
// link for a dependency of `file:..`, but install, and so compile, that package a second time.
import { lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'

const link = path.resolve('node_modules', 'buildjail')
mkdirSync(path.dirname(link), { recursive: true })
if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(path.join('..', '..'), link)
