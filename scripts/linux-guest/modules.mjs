// Modules of a kernel in the order in which they can be loaded. Debian's package has no modules.dep, which depmod(8) makes when it is
// installed, so each module is asked itself.
import { readdirSync } from 'node:fs'
import path from 'node:path'

import { requireTool } from '../guest/not-run.mjs'
import { runTool } from '../guest/workspace.mjs'

const ending = '.ko.xz'

/**
 * @param {string} folder of a kernel's modules
 * @param {string[]} wanted their names; one that is not there is part of the kernel itself
 * @returns {{ name: string, bytes: Buffer }[]} the wanted ones and what they depend on, each after its own
 */
export function modulesInOrder(folder, wanted) {
  const xz = requireTool('xz', 'xz-utils')
  const files = new Map()
  for (const name of readdirSync(folder, { recursive: true })) {
    if (name.endsWith(ending)) files.set(plain(path.basename(name, ending)), path.join(folder, name))
  }
  const ordered = new Map()
  const add = (name) => {
    const file = files.get(name)
    if (file === undefined || ordered.has(name)) return
    const bytes = runTool(xz, ['--decompress', '--stdout', file], { encoding: 'buffer' })
    for (const other of dependencies(bytes)) add(plain(other))
    ordered.set(name, bytes)
  }
  for (const name of wanted) add(plain(name))
  return [...ordered].map(([name, bytes]) => ({ name, bytes }))
}

/** The section .modinfo is text, NAME=VALUE each, with a NUL after each. */
function dependencies(bytes) {
  const [, names = ''] = /\0depends=([^\0]*)\0/.exec(bytes.toString('latin1')) ?? []
  return names.split(',').filter((name) => name !== '')
}

/** Modules name each other with `_` where their files may have `-`. */
function plain(name) {
  return name.replaceAll('-', '_')
}
