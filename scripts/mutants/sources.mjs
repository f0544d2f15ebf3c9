// A copy of the native sources in which one defence at a time is switched off.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))

/** The text with the defence off. What is not there exactly once is a table that no longer fits the sources. */
export function edited(text, { defence, file, off }) {
  return off.reduce((changed, [from, to]) => {
    const pieces = changed.split(from)
    if (pieces.length !== 2) throw new Error(`${defence}: ${file} has ${pieces.length - 1} times: ${from}`)
    return pieces.join(to)
  }, text)
}

export const isNative = ({ file }) => file.startsWith('native/')

/**
 * Builds an addon for each defence that is in native code, by `build`, and gives each to `keep`.
 * @param {string} folder where `native/` is copied to and built
 */
export function buildMutants(folder, mutants, build, keep) {
  cpSync(path.join(root, 'native'), path.join(folder, 'native'), { recursive: true, preserveTimestamps: true })
  for (const mutant of mutants.filter(isNative)) {
    const place = path.join(folder, mutant.file)
    const text = readFileSync(path.join(root, mutant.file), 'utf8')
    writeFileSync(place, edited(text, mutant))
    try {
      keep(mutant, build())
    } finally {
      // With a time of now, so that it is compiled again.
      writeFileSync(place, text)
    }
  }
}
