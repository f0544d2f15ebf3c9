// Runs the blocks of a page, one after the other, in one folder in which the package is installed.
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { useOf } from './blocks.mjs'
import { root } from './list.mjs'

/** Makes the folder of a page below `folder`. Gives `{ folder, env }`. */
export function placeFor(folder) {
  const place = path.join(folder, 'page')
  const bin = path.join(folder, 'bin')
  const home = path.join(folder, 'home')
  for (const made of [bin, home, path.join(place, 'node_modules')]) mkdirSync(made, { recursive: true, mode: 0o755 })
  symlinkSync(root, path.join(place, 'node_modules', 'buildjail'))
  const main = path.join(root, 'dist', 'cli', 'main.cjs')
  // npx as it is where the package is installed, without the second that it takes to find that out.
  program(bin, 'npx', `[ "$1" = buildjail ] || { echo "npx $1: only buildjail is installed" >&2; exit 1; }\nshift\nexec '${process.execPath}' '${main}' "$@"`)
  // Where the tests run in Bun there is no node.
  if (process.versions.bun !== undefined) program(bin, 'node', `exec '${process.execPath}' "$@"`)
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home, NO_COLOR: '1', LC_ALL: 'C.UTF-8', GIT_CONFIG_NOSYSTEM: '1' }
  return { folder: place, env, printed: undefined, isSkipped: false }
}

function program(folder, name, text) {
  const file = path.join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${text}\n`)
  chmodSync(file, 0o755)
}

/** Why a block is not for this machine or this run; undefined where it is. */
export async function whyNot({ said }, place, { isNight }) {
  if (said.has('on') && said.get('on') !== process.platform) return `it is for ${said.get('on')} alone`
  if (said.has('at night') && !isNight) return `it is run at night: ${said.get('at night')}`
  for (const word of (said.get('needs') ?? '').split(' ').filter((one) => one !== '')) {
    if (word === 'root' || word === 'user') {
      if ((process.geteuid() === 0) !== (word === 'root')) return `it is for ${word === 'root' ? 'root' : 'one who is not root'}`
    } else if (word === 'overlays') {
      const { limitations } = JSON.parse((await ended('npx', ['buildjail', 'doctor', '--json'], place)).printed)
      const missing = limitations.find(({ check }) => check === 'overlay')
      if (missing !== undefined) return `it needs overlays, and ${missing.problem}`
    } else if ((await ended('sh', ['-c', 'command -v "$1"', 'sh', word], place)).status !== 0) return `it needs ${word}, which is not here`
  }
  return undefined
}

/** Does what the block says. Throws an Error that says what was seen instead. */
export async function runBlock(block, place) {
  const { language, text, said, line } = block
  const use = useOf(block)
  if (use === 'file') {
    const file = path.join(place.folder, said.get('file'))
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
    writeFileSync(file, text)
    return
  }
  if (use === 'prints') {
    if (place.printed === undefined) throw new Error('no block before it was run')
    if (!likeness(text).test(place.printed.trim())) throw new Error(`instead was printed:\n${place.printed}`)
    return
  }
  const script = path.join(place.folder, `block-${line}.mjs`)
  if (language === 'js') writeFileSync(script, text)
  const outcome = language === 'js' ? await ended(process.execPath, [script], place) : await ended('sh', ['-euc', text], place)
  const expected = Number(said.get('status') ?? 0)
  if (outcome.status !== expected) throw new Error(`it ended with ${outcome.status} and not ${expected}:\n${outcome.printed}`)
  place.printed = outcome.printed
}

function likeness(text) {
  const parts = text.trim().split('...').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('[^]*?')}$`, 'u')
}

function ended(file, args, { folder, env }) {
  return new Promise((resolve) => {
    const child = execFile(file, args, { cwd: folder, env, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? error.signal), printed: stdout + stderr })
    })
    child.stdin.end()
  })
}
