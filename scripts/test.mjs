// `npm test [-- FILES AND OPTIONS OF VITEST]`.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { inOwnPlaces } from './own-places.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const suite = [process.execPath, vitest, 'run', '--root', root, '--config', 'test/vitest.config.ts', ...process.argv.slice(2)]

const [program, ...words] = inOwnPlaces(suite)
const { status, error } = spawnSync(program, words, { cwd: root, stdio: 'inherit' })
if (error !== undefined) throw error
process.exitCode = status ?? 1
