// `npm run bench:calls`: the system calls of a cold build and of a warm run on this Linux, against the floor's. They are printed
// and not judged: pid 1 of a session is a program of its own, whose calls nobody counts.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { workspaceWith } from '../../scripts/addon-workspace.mjs'
import { buildInFolder } from '../../scripts/gyp-folder.mjs'
import { compileCountingFloor } from '../floor/compile.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
// The folder of `npm run test:faults`, whose build it is.
const folder = workspaceWith(buildInFolder(path.join(root, 'build-faults'), { configure: ['--', '-Dfaults=1'] }))
const floor = compileCountingFloor(folder)
const { status } = spawnSync(process.execPath, ['bench/calls/count.mjs', floor], { cwd: folder, stdio: 'inherit' })
process.exitCode = status ?? 1
