// What of the host a case needs: folders for specs to name, and a command.
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'

/** A new folder of the bench's own. */
export function folder(bench, name) {
  const made = path.join(bench.folder, name)
  mkdirSync(made, { recursive: true })
  return made
}

/** A spec with so many inputs and an output. */
export function specWith(bench, inputCount, output = 'output') {
  const names = Array.from({ length: inputCount }, (_, index) => `in${index}`)
  return {
    inputs: Object.fromEntries(names.map((name) => [name, folder(bench, path.join('inputs', name))])),
    output: folder(bench, output),
  }
}

/** So many with 10 inputs, for sessions that live at once: an output is lent to one at a time. */
export const specsWith = (bench, count) => Array.from({ length: count }, (_, index) => specWith(bench, 10, `output-${index}`))

/** Where true(1) is: to search for it is no cost of a session's. */
export const trueCommand = existsSync('/usr/bin/true') ? '/usr/bin/true' : '/bin/true'
