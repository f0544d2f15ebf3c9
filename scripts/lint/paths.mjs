// Nothing that names one developer's machine, or the registry it happened to install from, belongs into the repository.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const inPath = String.raw`(?<![\w.}\])*>])`
const machinePath = new RegExp(String.raw`${inPath}/(?:home|Users|root)/\w`)
const registryHost = /registry\.(?:npm|yarn)\w+\.\w+/

/** Returns `{ ok, output }`. */
export function machineTraces(root) {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = spawnSync('git', list, { cwd: root, encoding: 'utf8' })
  if (listed.status !== 0) return { ok: false, output: `git ls-files: ${listed.error?.message ?? listed.stderr}\n` }
  const names = listed.stdout.split('\0').filter((name) => name !== '' && existsSync(path.join(root, name)))
  const found = names.flatMap((name) => tracesIn(root, name))
  return { ok: found.length === 0, output: found.map((line) => `${line}\n`).join('') }
}

function tracesIn(root, name) {
  const text = readFileSync(path.join(root, name), 'utf8')
  // A NUL is git's own sign of a file that is no text.
  if (text.includes('\0')) return []
  // A test may well be about such a path.
  const patterns = name.startsWith('test/') ? [registryHost] : [registryHost, machinePath]
  return text.split('\n').flatMap((line, index) => {
    const match = patterns.map((pattern) => pattern.exec(line)).find((result) => result !== null)
    return match === undefined ? [] : [`${name}:${index + 1}: ${match[0]}`]
  })
}
