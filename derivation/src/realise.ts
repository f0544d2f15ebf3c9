// One derivation: a session in which its builder finds the closure of its inputs and nothing else in the store, and what comes of it.
import { lstat, open, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { isBuildjailError, type Session, type Spec } from 'buildjail'

import type { Derivation } from './aterm.ts'
import { attributesOf } from './attributes.ts'
import { makeReadable } from './canonical.ts'
import { closuresIn, handedTo, withoutPlaceholders } from './environment.ts'
import { DerivationError } from './errors.ts'
import type { Node } from './graph.ts'
import { fixedOutput } from './hash-modulo.ts'
import { addressOf, checkFixed, checkReferences, refuseCycles } from './outputs.ts'
import type { Registered } from './registry.ts'
import { removeTree } from './remove.ts'
import { builderFolders, openBuilder, type BuilderFolders } from './session.ts'
import type { Store } from './store.ts'
import { partsOf } from './store-path.ts'

export interface Realiser {
  readonly store: Store
  /** Such as x86_64-linux. */
  readonly system: string
  /** How many processors a builder may count on. */
  readonly cores: number
  /** The environment of the realiser. */
  readonly host: NodeJS.ProcessEnv
  /** Of every session besides. */
  readonly spec: Spec
}

const architectures = new Map([['x64', 'x86_64'], ['arm64', 'aarch64'], ['ia32', 'i686']])

/** What Nix and Guix call this machine. */
export const ownSystem: string = `${architectures.get(process.arch) ?? process.arch}-${process.platform}`

/**
 * Builds a derivation whose inputs are valid, and registers its outputs.
 * @throws DerivationError, or an error of the package if no session could be opened
 */
export function realise(realiser: Realiser, node: Node): Promise<void> {
  return inFolder(realiser, node, async (closure, made) => {
    await register(realiser.store, node, closure, made)
  })
}

export interface Comparison {
  readonly output: string
  readonly path: string
  readonly narHash: string
  /** Of the one that was built again. */
  readonly again: string
}

/**
 * Builds a derivation whose inputs are valid, and compares. Nothing of it is kept.
 * @param there hashes to compare with, by the store paths of outputs. All others are valid.
 * @throws as `realise`
 */
export async function buildAgain(realiser: Realiser, node: Node, there: ReadonlyMap<string, string>): Promise<Comparison[]> {
  const { store } = realiser
  const comparisons: Comparison[] = []
  await inFolder(realiser, node, async (_closure, made) => {
    for (const [output, { path: storePath }] of node.derivation.outputs) {
      const file = await madeAt(store, made, output, storePath)
      const { narHash } = await store.measure(file, [])
      comparisons.push({ output, path: storePath, narHash: there.get(storePath) ?? store.query(storePath)?.narHash ?? '', again: narHash })
    }
  })
  return comparisons
}

async function inFolder(realiser: Realiser, node: Node, afterwards: (closure: ReadonlySet<string>, made: string) => Promise<void>): Promise<void> {
  const { store, system } = realiser
  const { derivation } = node
  if (derivation.system !== system) throw new DerivationError(`${node.path} is for ${derivation.system}, and this is ${system}`)
  const closure = store.closure(inputsOf(node))
  const folder = await store.newFolder()
  try {
    const folders = await builderFolders(folder)
    await build(realiser, node, closure, folders)
    await afterwards(closure, folders.made)
  } catch (error) {
    if (isBuildjailError(error)) throw error
    throw new DerivationError(`${node.path}: ${(error as Error).message}`, { cause: error })
  } finally {
    await removeTree(folder)
  }
}

/** Outputs may have its name in them, as in what debuggers read. */
const buildDirectoryOf = (storeDirectory: string, drv: string): string => (storeDirectory === '/gnu/store' ? `/tmp/guix-build-${partsOf(storeDirectory, drv).name}-0` : '/build')

function inputsOf({ derivation, inputs }: Node): string[] {
  const outputs = [...derivation.inputDrvs].flatMap(([input, names]) => names.map((name) => inputs.get(input)?.derivation.outputs.get(name)?.path ?? ''))
  return [...outputs, ...derivation.inputSrcs]
}

async function build(realiser: Realiser, node: Node, closure: ReadonlySet<string>, folders: BuilderFolders): Promise<void> {
  const { store, cores, host, spec } = realiser
  const drv = node.path
  const derivation = withoutPlaceholders(node.derivation)
  const buildDirectory = buildDirectoryOf(store.directory, drv)
  const attributes = attributesOf(derivation)
  const { env, files } = handedTo(derivation, attributes, closuresIn(store, attributes, closure), { storeDirectory: store.directory, buildDirectory, cores }, host)
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folders.build, name), text, { flag: 'wx', mode: 0o644 })
  const inputs = new Map([...closure].map((storePath) => [storePath, store.onHost(storePath)]))
  const places = { storeDirectory: store.directory, buildDirectory, inputs }
  const session = await openBuilder(places, folders, fixedOutput(derivation) === undefined ? 'loopback' : 'host', spec)
  await runBuilder(session, derivation, env, buildDirectory, store.log(drv))
}

async function runBuilder(session: Session, { builder, args }: Derivation, env: Readonly<Record<string, string | undefined>>, cwd: string, log: string): Promise<void> {
  // Of an earlier build.
  await rm(log, { force: true })
  try {
    await session.run([builder, ...args], { env, cwd, all: true, stdout: { file: log } })
  } catch (error) {
    const { shortMessage, message } = error as Error & { readonly shortMessage?: string }
    throw new DerivationError(`${shortMessage ?? message}${await endOf(log)}`, { cause: error })
  } finally {
    // From here on nothing of the builder lives.
    await session.close()
  }
}

const longestEnd = 8192

async function endOf(log: string): Promise<string> {
  const lines = (await lastBytes(log).catch(() => Buffer.alloc(0))).toString().trimEnd().split('\n').slice(-10)
  return lines.length === 1 && lines[0] === '' ? '' : `; its log ends with\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/** As a log may have any size, and a line of it, too. */
async function lastBytes(log: string): Promise<Buffer> {
  const file = await open(log)
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(longestEnd), position: Math.max(0, size - longestEnd) })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** @param made the folder with what the builder made */
async function register(store: Store, { path: drv, derivation }: Node, closure: ReadonlySet<string>, made: string): Promise<void> {
  const attributes = attributesOf(derivation)
  const own = [...derivation.outputs.values()].map((output) => output.path)
  // One that is valid already stays as it is: others may be reading it.
  const missing = own.filter((storePath) => store.query(storePath) === undefined)
  try {
    const brought = new Map<string, Registered>()
    for (const [name, output] of derivation.outputs) {
      const file = await madeAt(store, made, name, output.path)
      const candidates = attributes.checksOf(name).discardReferences ? [] : [...closure, ...own]
      const registered = store.query(output.path) ?? (await store.bringIn(output.path, file, candidates))
      await checkFixed(name, store.onHost(output.path), output, registered)
      brought.set(output.path, { ...registered, deriver: drv, ...addressOf(output) })
    }
    refuseCycles(brought)
    for (const name of derivation.outputs.keys()) {
      checkReferences(name, derivation.outputs, attributes.checksOf(name), (storePath) => brought.get(storePath) ?? store.query(storePath))
    }
    await store.register(brought)
  } catch (error) {
    for (const storePath of missing) await removeTree(store.onHost(storePath))
    throw error
  }
}

/** What the builder made for an output, on the host, open to this program. */
async function madeAt(store: Store, made: string, name: string, storePath: string): Promise<string> {
  const file = path.join(made, partsOf(store.directory, storePath).base)
  if (!(await isThere(file))) throw new DerivationError(`its builder did not make the output ${name}, ${storePath}`)
  await makeReadable(file)
  return file
}

const isThere = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
