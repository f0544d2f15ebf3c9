#!/usr/bin/env node
// npm's `script-shell`: the scripts of dependencies run in a session each. It sees the project, and can write to the folder of its own package
// only. It has no network, not the home folder, and of the environment what npm tells scripts. Scripts of the project itself are run
// by sh, as npm does it.
//   npm install --script-shell="$PWD/session-shell.mjs"
import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import path from 'node:path'

import { openSession } from 'buildjail'

const words = process.argv.slice(2) // -c and the script.
const project = realpathSync(process.env.npm_config_local_prefix ?? process.cwd())
const folder = realpathSync(process.cwd())
const names = path.relative(project, folder).split(path.sep)

// A dependency from git is elsewhere while it is prepared, and so is a folder that the project links to.
if (names.includes('..') || names.includes('node_modules')) await runInSession()
else process.exitCode = spawnSync('sh', words, { stdio: 'inherit' }).status ?? 1

async function runInSession() {
  const place = names.includes('..') ? '/package' : ['/project', ...names].join('/')
  const inside = (text) => text.replaceAll(folder, place).replaceAll(project, '/project')
  const told = Object.entries(process.env).filter(([name]) => name.startsWith('npm_'))
  const programs = (process.env.PATH ?? '').split(path.delimiter).filter((one) => one.startsWith(`${project}${path.sep}`))
  const session = await openSession({
    toolchain: ['host', 'node'],
    inputs: { '/project': project },
    outputs: { [place]: folder },
    cwd: place,
    path: programs.map(inside),
    env: Object.fromEntries(told.map(([name, value]) => [name, inside(value)])),
    // npm runs the scripts of many packages at once, and none may see what another one is about to change.
    wait: '10m',
  })
  try {
    const { exitCode } = await session.run(['sh', ...words], { stdout: 'inherit', stderr: 'inherit', reject: false })
    process.exitCode = exitCode ?? 1
  } finally {
    await session.close()
  }
}
