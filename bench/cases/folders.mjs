// Folders of the host for specs to name.
import { mkdirSync } from 'node:fs'
import path from 'node:path'

/** A new folder of the bench's own. */
export function folder(bench, name) {
  const made = path.join(bench.folder, name)
  mkdirSync(made, { recursive: true })
  return made
}

/** A spec with so many inputs and an output. */
export function specWith(bench, inputCount) {
  const names = Array.from({ length: inputCount }, (_, index) => `in${index}`)
  return {
    inputs: Object.fromEntries(names.map((name) => [name, folder(bench, path.join('inputs', name))])),
    output: folder(bench, 'output'),
  }
}
