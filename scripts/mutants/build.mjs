// The addons of mutants: each is built from a copy of the native sources that has one defence switched off.
import { cpSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))

/**
 * Builds an addon for each mutant of native code by `build`, and gives each to `keep`. One that cannot be built does not keep the others from it.
 * @param {string} folder where `native/` is copied to and built
 * @param {{ files: Map<string, string> }[]} mutants with the text of the files that each changes
 * @returns the mutants that could not be built
 */
export function buildMutants(folder, mutants, sources, build, keep) {
  cpSync(path.join(root, 'native'), path.join(folder, 'native'), { recursive: true, preserveTimestamps: true })
  const put = (file, text) => writeFileSync(path.join(folder, file), text)
  const unbuilt = []
  for (const mutant of mutants) {
    for (const [file, text] of mutant.files) put(file, text)
    try {
      keep(mutant, build())
    } catch (error) {
      console.error(error.message)
      unbuilt.push(mutant)
    } finally {
      // With a time of now, so that it is compiled again.
      for (const file of mutant.files.keys()) put(file, sources.get(file))
    }
  }
  return unbuilt
}
