// The hash of a derivation, modulo how its fixed outputs come to be: a change of where a source is downloaded from does not change
// the path of anything that is made of it.
import { writeDerivation, type Derivation, type Output } from './aterm.ts'
import { fixedOutputPath, outputPath, sha256 } from './store-path.ts'

/** Its one output, if the content of that is known. */
export function fixedOutput({ outputs }: Derivation): Output | undefined {
  const [output] = outputs.values()
  return output === undefined || output.method === '' ? undefined : output
}

/** The same of an input, by the path of its .drv file. */
export type HashOf = (path: string) => string

/** What stands for a derivation in those that have it as an input. */
export function hashModulo(derivation: Derivation, hashOf: HashOf): string {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) return sha256(`fixed:out:${fixed.method}:${fixed.hash}:${fixed.path}`)
  return sha256(writeDerivation({ ...derivation, inputDrvs: hashedInputs(derivation, hashOf) }))
}

/**
 * The paths that the outputs must have, by their names.
 * @param directory of the store
 * @param name of the derivation
 * @param derivation whatever paths it has itself
 */
export function outputPaths(directory: string, name: string, derivation: Derivation, hashOf: HashOf): Map<string, string> {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) return new Map([['out', fixedOutputPath(directory, name, fixed.method, fixed.hash)]])
  const outputs = new Map([...derivation.outputs].map(([output, declared]) => [output, { ...declared, path: '' }]))
  const env = new Map([...derivation.env].map(([variable, value]) => [variable, outputs.has(variable) ? '' : value]))
  const hash = sha256(writeDerivation({ ...derivation, outputs, env, inputDrvs: hashedInputs(derivation, hashOf) }))
  return new Map([...outputs.keys()].map((output) => [output, outputPath(directory, name, output, hash)]))
}

function hashedInputs({ inputDrvs }: Derivation, hashOf: HashOf): Map<string, readonly string[]> {
  const hashed = new Map<string, readonly string[]>()
  for (const [path, names] of inputDrvs) {
    const hash = hashOf(path)
    // Two derivations of the same fixed output are one here.
    hashed.set(hash, [...new Set([...(hashed.get(hash) ?? []), ...names])])
  }
  return hashed
}
