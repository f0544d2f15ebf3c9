// Compiles the addon by node-gyp: on all processors, in one line where that works, and in a sentence where it does not.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { removeGypLeftovers } from './gyp-leftovers.mjs'
import { findNodeGyp, missingTools } from './tools.mjs'

/** What is left of a build when its objects are gone. */
const products = ['buildjail.node', 'buildjail-watch']

/** So many lines of the compiler's are shown of a build that fails. */
const mostLines = 10

/**
 * @param {{ keepsObjects: boolean }} options whether the next build here finds what it need not compile again
 * @returns the exit status
 */
export async function compile(root, { keepsObjects }) {
  const missing = missingTools()
  const nodeGyp = findNodeGyp(root)
  if (nodeGyp === undefined) missing.push('node-gyp (it comes with npm)')
  if (missing.length > 0) {
    console.error(`buildjail: its native code cannot be compiled here without ${listed(missing)}; ${howToInstall()}, then run this again`)
    return 1
  }
  const start = performance.now()
  const progress = progressLine('buildjail: compiling its native code')
  const { status, log } = await withGypFile(root, () => run(nodeGyp, root, progress.step))
  if (!keepsObjects) removeGypLeftovers(root)
  progress.end(status === 0 ? `done in ${Math.round((performance.now() - start) / 1000)} s` : 'failed')
  if (status !== 0) {
    const file = keepLog(root, log)
    const lines = log.split('\n').filter((line) => /error[: ]|ERR! (?!stack|System|command|cwd|node|not ok)/i.test(line)).slice(0, mostLines)
    console.error(`${lines.join('\n')}\nbuildjail: its native code could not be compiled; it needs a compiler of C++20 (GCC 12 or clang 16, or later). The whole log: ${file}`)
    return 1
  }
  if (!keepsObjects) removeObjects(path.join(root, 'build'))
  return 0
}

/** node-gyp takes the file from the package's folder alone, where a published package must not have it (scripts/release/packages.mjs). */
async function withGypFile(root, build) {
  const [file, published] = [path.join(root, 'binding.gyp'), path.join(root, 'native', 'binding.gyp')]
  if (!existsSync(published)) return build()
  copyFileSync(published, file)
  try {
    return await build()
  } finally {
    rmSync(file)
  }
}

async function run([file, ...words], root, onStep) {
  const child = spawn(file, [...words, 'rebuild', '-j', 'max', ...ownHeaders()], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log += text
      onStep((text.match(/^ {2}(?:CXX|CC)\(/gm) ?? []).length)
    })
  }
  child.on('error', (error) => {
    log += `ERR! ${error.message}\n`
  })
  const [status] = await once(child, 'close')
  return { status: status ?? 1, log }
}

/** One line, which counts at a terminal. */
function progressLine(title) {
  const { stdout } = process
  let files = 0
  if (!stdout.isTTY) console.log(`${title}, which takes about a minute`)
  return {
    step(more) {
      files += more
      if (stdout.isTTY && more > 0) stdout.write(`\r${title}: ${files} files`)
    },
    end(verdict) {
      if (stdout.isTTY) stdout.write(`\r${title}: ${verdict}   \n`)
    },
  }
}

function keepLog(root, log) {
  const file = path.join(root, 'build', 'build-native.log')
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, log)
  return file
}

function removeObjects(build) {
  const aside = path.join(build, 'Release.objects')
  renameSync(path.join(build, 'Release'), aside)
  mkdirSync(path.join(build, 'Release'))
  for (const name of products) renameSync(path.join(aside, name), path.join(build, 'Release', name))
  for (const name of readdirSync(build)) if (name !== 'Release') rmSync(path.join(build, name), { recursive: true })
}

/** The headers that came with this Node, where they did: node-gyp then downloads none. */
function ownHeaders() {
  if (process.env.npm_config_nodedir !== undefined) return []
  const prefix = path.dirname(path.dirname(realpathSync(process.execPath)))
  return existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
}

function howToInstall() {
  if (process.platform === 'freebsd') return 'pkg install gmake python3'
  if (existsSync('/etc/alpine-release')) return 'apk add g++ make python3 linux-headers'
  if (existsSync('/etc/debian_version')) return 'apt-get install g++ make python3'
  if (existsSync('/etc/redhat-release')) return 'dnf install gcc-c++ make python3'
  return 'install them'
}

const listed = (words) => (words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`)
