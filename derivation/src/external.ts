// A builder of another realiser: Nix (`external-builders`) writes what it would have built to a file, build.json, and runs a program instead. Inputs are in
// Nix's store, outputs go there, and all else is Nix's: what becomes of the outputs, the log, the build directory and the files in it.
import { lstat, mkdtemp, readFile } from 'node:fs/promises'
import path from 'node:path'

import { CommandError, type Spec } from 'buildjail'

import { fromBase32 } from './base32.ts'
import { copyCanonical, makeReadable } from './canonical.ts'
import { DerivationError } from './errors.ts'
import { hashLengths } from './outputs.ts'
import { removeTree } from './remove.ts'
import { builderFolders, openBuilder } from './session.ts'
import { fixedOutputPath, partsOf } from './store-path.ts'
import { readStructured, type JsonObject } from './structured.ts'

interface Build {
  readonly builder: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Of the host. */
  readonly topTmpDir: string
  readonly tmpDir: string
  readonly tmpDirInSandbox: string
  readonly storeDir: string
  /** Of the host. */
  readonly realStoreDir: string
  readonly inputPaths: readonly string[]
  readonly outputs: Readonly<Record<string, string>>
}

/**
 * Runs the builder of a build.json, and puts its outputs into the store.
 * @returns the builder's exit status
 * @throws DerivationError if the file is no build of version 1
 */
export async function buildExternal(file: string, spec: Spec): Promise<number> {
  const build = readBuild(await readFile(file, 'utf8'))
  const { builder, args, env, topTmpDir, tmpDir, tmpDirInSandbox, storeDir, realStoreDir, inputPaths, outputs } = build
  const onHost = (storePath: string): string => path.join(realStoreDir, partsOf(storeDir, storePath).base)
  const folder = await mkdtemp(path.join(topTmpDir, 'buildjail-'))
  try {
    const folders = { ...(await builderFolders(folder)), build: tmpDir }
    const inputs = new Map(inputPaths.map((storePath) => [storePath, onHost(storePath)]))
    const network = (await isFixed(build)) ? 'host' : 'loopback'
    const session = await openBuilder({ storeDirectory: storeDir, buildDirectory: tmpDirInSandbox, inputs }, folders, network, spec)
    try {
      await session.run([builder, ...args], { env: { LC_ALL: undefined, ...env }, cwd: tmpDirInSandbox, stdout: 'inherit', stderr: 'inherit' })
    } finally {
      await session.close()
    }
    for (const storePath of Object.values(outputs)) await handOver(path.join(folders.made, path.basename(storePath)), onHost(storePath), storePath)
    return 0
  } catch (error) {
    if (error instanceof CommandError && error.exitCode !== undefined) return error.exitCode
    throw error
  } finally {
    await removeTree(folder)
  }
}

/** Nix itself refuses an output that is missing. */
async function handOver(made: string, to: string, storePath: string): Promise<void> {
  if ((await lstat(made).catch(() => undefined)) === undefined) return
  await makeReadable(made)
  await copyCanonical(made, to, storePath)
}

function readBuild(text: string): Build {
  const build = JSON.parse(text) as { readonly version?: unknown } & Partial<Build>
  if (build.version !== 1) throw new DerivationError(`it is a build of version ${JSON.stringify(build.version)}: only 1 is known`)
  for (const name of ['builder', 'args', 'env', 'topTmpDir', 'tmpDir', 'tmpDirInSandbox', 'storeDir', 'realStoreDir', 'inputPaths', 'outputs'] as const) {
    if (build[name] === undefined) throw new DerivationError(`its ${name} is missing`)
  }
  return build as Build
}

/**
 * Whether the output has the path of one whose content is known. The file does not say so, and an attribute that says so may lie: but then the
 * path is another.
 */
async function isFixed({ env, outputs, storeDir, tmpDir }: Build): Promise<boolean> {
  const json = await readFile(path.join(tmpDir, '.attrs.json'), 'utf8').catch(() => undefined)
  const attributes: JsonObject = env['NIX_ATTRS_JSON_FILE'] === undefined || json === undefined ? env : readStructured(json)
  const words = (name: string): string => (typeof attributes[name] === 'string' ? attributes[name] : '')
  const [, algorithm = words('outputHashAlgo'), text = ''] = /^(?:(\w+)[-:])?(.*)$/.exec(words('outputHash')) ?? []
  const hash = hexOf(text, hashLengths.get(algorithm) ?? 0)
  const { out } = outputs
  if (hash === undefined || out === undefined) return false
  const method = ['recursive', 'nar'].includes(words('outputHashMode')) ? `r:${algorithm}` : algorithm
  return fixedOutputPath(storeDir, partsOf(storeDir, out).name, method, hash) === out
}

/** Of a hash in hexadecimal, base-32 or base-64. */
function hexOf(text: string, length: number): string | undefined {
  if (length === 0) return undefined
  const bytes = text.length === length * 2 ? Buffer.from(text, 'hex') : text.length === Math.ceil((length * 8) / 5) ? fromBase32(text) : Buffer.from(text, 'base64')
  return bytes?.length === length ? bytes.toString('hex') : undefined
}
