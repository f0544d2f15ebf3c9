import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach } from 'vitest'

/** Fresh folders of the host for each test: an input with one file in it, an output, and a place for anything else. */
export interface Folders {
  readonly top: string
  readonly input: string
  readonly output: string
}

export function useFolders(): Folders {
  const folders = { top: '', input: '', output: '' }
  beforeEach(() => {
    folders.top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-test-')))
    // A build user that is not the caller has to get to the input.
    chmodSync(folders.top, 0o755)
    folders.input = path.join(folders.top, 'input')
    folders.output = path.join(folders.top, 'output')
    mkdirSync(folders.input)
    mkdirSync(folders.output)
    writeFileSync(path.join(folders.input, 'given.txt'), 'given\n')
    // The umask may be any.
    for (const folder of [folders.input, folders.output]) chmodSync(folder, 0o755)
    chmodSync(path.join(folders.input, 'given.txt'), 0o644)
  })
  afterEach(() => rmSync(folders.top, { recursive: true, force: true }))
  return folders
}

/** So many more inputs, empty folders side by side. */
export function neighboursIn(folder: string, count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, index) => `beside${index}`)
  for (const name of names) mkdirSync(path.join(folder, name))
  return Object.fromEntries(names.map((name) => [name, path.join(folder, name)]))
}
