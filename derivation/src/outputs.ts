// What an output must be: what its derivation says of its content and of what it refers to.
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import type { Output } from './aterm.ts'
import type { OutputChecks } from './attributes.ts'
import { DerivationError } from './errors.ts'
import { narOf } from './nar.ts'
import type { Registered } from './registry.ts'
import { contentAddress, isEntry } from './store-path.ts'

/** The hashes that an output can be fixed by, and how many bytes they have. */
export const hashLengths: ReadonlyMap<string, number> = new Map([['md5', 16], ['sha1', 20], ['sha256', 32], ['sha512', 64]])

export const addressOf = ({ method, hash }: Output): { readonly ca?: string } => (method === '' ? {} : { ca: contentAddress(`fixed:${method}`, hash) })

/**
 * Whether a fixed output has its hash.
 * @param file on the host
 * @throws DerivationError
 */
export async function checkFixed(name: string, file: string, { method, hash, path }: Output, { references }: Registered): Promise<void> {
  if (method === '') return
  const [, prefix, algorithm = ''] = /^(r:)?(.*)$/.exec(method) ?? []
  const actual = prefix === undefined ? await flatHash(name, path, file, algorithm) : await hashOf(narOf(file), algorithm)
  if (actual !== hash) throw new DerivationError(`its output ${name}, ${path}, should have the hash ${hash}, and has ${actual}`)
  // Its path says nothing of them.
  if (references.length > 0) throw new DerivationError(`its output ${name}, ${path}, is fixed, and refers to ${references.join(' and ')}`)
}

async function flatHash(name: string, path: string, file: string, algorithm: string): Promise<string> {
  const stats = await lstat(file)
  if (!stats.isFile() || (stats.mode & 0o111) !== 0) throw new DerivationError(`its output ${name}, ${path}, has to be a file that is not executable`)
  return hashOfFile(file, algorithm)
}

/** However large it is. */
export const hashOfFile = (file: string, algorithm: string): Promise<string> => hashOf(createReadStream(file), algorithm)

async function hashOf(content: AsyncIterable<Buffer>, algorithm: string): Promise<string> {
  const hash: Hash = createHash(algorithm)
  await pipeline(content, hash)
  return hash.digest('hex')
}

/**
 * Whether an output refers only to what it may refer to, and is no larger than it may be.
 * @param of what is registered of it and of all that it refers to
 * @throws DerivationError
 */
export function checkReferences(name: string, outputs: ReadonlyMap<string, Output>, checks: OutputChecks, of: (path: string) => Registered | undefined): void {
  const path = outputs.get(name)?.path ?? ''
  const registered = of(path)
  const closure = closureOf(path, of)
  const requisites = [...closure].filter((one) => !checks.withoutItself || one !== path)
  const references = registered?.references ?? []
  const rules = [
    ['allowedReferences', references, true], ['allowedRequisites', requisites, true],
    ['disallowedReferences', references, false], ['disallowedRequisites', requisites, false],
  ] as const
  for (const [rule, paths, isAllowed] of rules) {
    const listed = checks[rule]?.map((word) => outputs.get(word)?.path ?? storePathIn(word, path, rule))
    const bad = listed === undefined ? [] : paths.filter((one) => listed.includes(one) !== isAllowed)
    if (bad.length > 0) throw new DerivationError(`its output ${name}, ${path}, must not refer to ${bad.join(' and ')} (${rule})`)
  }
  const size = registered?.narSize ?? 0
  if (size > (checks.maxSize ?? Infinity)) throw new DerivationError(`its output ${name}, ${path}, has ${size} bytes, and must not have more than ${checks.maxSize} (maxSize)`)
  const all = [...closure].reduce((sum, one) => sum + (of(one)?.narSize ?? 0), 0)
  if (all > (checks.maxClosureSize ?? Infinity)) throw new DerivationError(`its output ${name}, ${path}, has ${all} bytes in its closure, and must not have more than ${checks.maxClosureSize} (maxClosureSize)`)
}

function storePathIn(word: string, path: string, rule: string): string {
  const start = path.lastIndexOf('/') + 1
  // A path in an entry would be equal to no reference, and so allow what it is to disallow.
  if (word.startsWith(path.slice(0, start)) && isEntry(word.slice(start))) return word
  throw new DerivationError(`its ${rule} has ${JSON.stringify(word)}, which is neither a store path nor an output`)
}

function closureOf(path: string, of: (path: string) => Registered | undefined): ReadonlySet<string> {
  const closure = new Set([path])
  for (const one of closure) for (const reference of of(one)?.references ?? []) closure.add(reference)
  return closure
}

/**
 * Outputs of one derivation may refer to each other, but not in a circle: each of them would need the others.
 * @throws DerivationError
 */
export function refuseCycles(own: ReadonlyMap<string, Registered>): void {
  const left = new Map([...own].map(([path, { references }]) => [path, references.filter((other) => other !== path && own.has(other))]))
  for (;;) {
    const free = [...left].filter(([, references]) => !references.some((other) => left.has(other)))
    for (const [path] of free) left.delete(path)
    if (left.size === 0) return
    if (free.length === 0) throw new DerivationError(circle(left.keys()))
  }
}

export const circle = (paths: Iterable<string>): string => `its outputs refer to each other in a circle: ${[...paths].join(' ')}`
