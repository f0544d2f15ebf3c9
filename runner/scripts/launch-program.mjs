// `npm run build:launch --workspace runner`: compiles `dist/buildjail-launch` with the C++20 compiler of this machine ($CXX, or c++).
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const runner = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const launch = path.join(runner, 'launch')

/** The compiler's flags and sources, for any system. */
export function launchWords() {
  const core = path.dirname(createRequire(import.meta.url).resolve('buildjail/package.json'))
  const sources = readdirSync(launch).filter((name) => name.endsWith('.cc')).map((name) => path.join(launch, name))
  return ['-std=c++20', '-O2', '-pthread', `-I${launch}`, `-I${path.join(core, 'native')}`, ...sources]
}

/** A program that starts an action each time had better not look for a library of C++. FreeBSD has that one in its base system. */
const withoutLibraries = process.platform === 'linux' ? ['-static-libstdc++', '-static-libgcc'] : []

/** @throws where there is no compiler, or it does not take them */
export function compileLaunch(file) {
  const { CXX: compiler = 'c++' } = process.env
  const { error, status, stderr } = spawnSync(compiler, [...launchWords(), ...withoutLibraries, '-o', file], { encoding: 'utf8' })
  if (error !== undefined) throw new Error(`${compiler}: ${error.message}`)
  if (status !== 0) throw new Error(`buildjail-launch could not be compiled:\n${stderr}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) compileLaunch(path.join(runner, 'dist', 'buildjail-launch'))
