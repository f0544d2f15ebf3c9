import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { isFreebsd } from '../kernel.ts'

// What the administrator mounts on the host.

/** A folder, or a file, is shown at a second place, which is made where it is missing. */
export function shownAt(source: string, at: string, isFile = false): Disposable & { readonly at: string } {
  if (isFile) writeFileSync(at, '')
  else mkdirSync(at)
  if (isFreebsd) byRoot('mount', '-t', 'nullfs', source, at)
  else byRoot('mount', '--bind', source, at)
  return { at, [Symbol.dispose]: () => byRoot('umount', at) }
}

/** A file system of its own, with a file in it. */
export function mountedAt(at: string): Disposable & { readonly file: string } {
  mkdirSync(at, { recursive: true })
  byRoot('mount', '-t', 'tmpfs', 'tmpfs', at)
  const file = path.join(at, 'of-the-host')
  writeFileSync(file, '')
  return { file, [Symbol.dispose]: () => byRoot('umount', at) }
}

function byRoot(file: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
}
