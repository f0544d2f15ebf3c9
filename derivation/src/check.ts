// A .drv file: what can be said of it without a store and without its inputs.
import { readDerivation, writeDerivation, type Derivation } from './aterm.ts'
import { attributesOf } from './attributes.ts'
import { DerivationError } from './errors.ts'
import { hashLengths } from './outputs.ts'
import { isStoreName, partsOf, sha256, textPath } from './store-path.ts'

const largest = 16 * 1024 * 1024
const end = '.drv'

/**
 * The name of a derivation.
 * @param directory of the store
 * @param path of the .drv file, in the store
 */
export function derivationName(directory: string, path: string): string {
  const { name } = partsOf(directory, path)
  if (!isDerivation(name)) throw new DerivationError(`${path} is not the path of a derivation`)
  return name.slice(0, -end.length)
}

/** @param path or its last part */
export const isDerivation = (path: string): boolean => path.endsWith(end) && path !== end

/**
 * Its path is made from all of its text. So a derivation cannot have itself among its inputs, or theirs.
 * @param directory of the store
 * @param path that the text was found at
 * @throws DerivationError
 */
export function checkedDerivation(directory: string, path: string, bytes: Buffer): Derivation {
  const name = derivationName(directory, path)
  try {
    const text = decoded(bytes)
    const derivation = readDerivation(text)
    if (writeDerivation(derivation) !== text) throw new DerivationError('it is not written as Nix and Guix write it')
    checkMembers(directory, derivation)
    if (derivationPath(directory, name, derivation) !== path) throw new DerivationError('its text is that of another path')
    return derivation
  } catch (error) {
    if (!(error instanceof DerivationError)) throw error
    throw new DerivationError(`${path}: ${error.message}`, { cause: error })
  }
}

export function derivationPath(directory: string, name: string, derivation: Derivation): string {
  return textPath(directory, `${name}${end}`, sha256(writeDerivation(derivation)), referencesOf(derivation))
}

export const referencesOf = ({ inputSrcs, inputDrvs }: Derivation): string[] => [...new Set([...inputSrcs, ...inputDrvs.keys()])]

function decoded(bytes: Buffer): string {
  if (bytes.length > largest) throw new DerivationError(`it has more than ${largest} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new DerivationError('it is not UTF-8', { cause: error })
  }
}

function checkMembers(directory: string, derivation: Derivation): void {
  const { inputDrvs, inputSrcs, builder, env } = derivation
  checkOutputs(directory, derivation)
  for (const [path, names] of inputDrvs) {
    derivationName(directory, path)
    if (names.length === 0) throw new DerivationError(`no output of its input ${path} is wanted`)
  }
  for (const path of inputSrcs) partsOf(directory, path)
  if (!builder.startsWith('/')) throw new DerivationError(`its builder ${JSON.stringify(builder)} is not an absolute path`)
  for (const variable of env.keys()) {
    if (variable === '' || variable.includes('=')) throw new DerivationError(`${JSON.stringify(variable)} cannot be the name of a variable`)
  }
  attributesOf(derivation)
}

function checkOutputs(directory: string, { outputs, env }: Derivation): void {
  if (outputs.size === 0) throw new DerivationError('it has no output')
  for (const [name, { path, method, hash }] of outputs) {
    if (!isStoreName(name)) throw new DerivationError(`${JSON.stringify(name)} cannot be the name of an output`)
    partsOf(directory, path)
    if (env.get(name) !== path) throw new DerivationError(`its variable ${name} is not the path of the output ${name}`)
    if (method === '' && hash === '') continue
    const length = hashLengths.get(method.replace(/^r:/, ''))
    if (length === undefined) throw new DerivationError(`its output ${name} is fixed by ${JSON.stringify(method)}: only ${[...hashLengths.keys()].join(', ')} are known, with r: before them or not`)
    if (hash.length !== length * 2 || !/^[0-9a-f]+$/.test(hash)) throw new DerivationError(`the hash of its output ${name} is no ${method} in hexadecimal`)
    if (name !== 'out' || outputs.size > 1) throw new DerivationError('a fixed output must be the only one, and called out')
  }
}
