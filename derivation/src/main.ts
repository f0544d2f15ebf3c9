#!/usr/bin/env node
import { mkdir, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { isBuildjailError, type Allowance, type Toolchain } from 'buildjail'

import { readDerivation } from './aterm.ts'
import { base32 } from './base32.ts'
import { Closure } from './closure.ts'
import { DerivationError } from './errors.ts'
import { buildExternal } from './external.ts'
import { Realisation } from './realisation.ts'

const usage = `usage: buildjail-derivation realise FILE.drv [OPTION...]
       buildjail-derivation check FILE.drv [OPTION...]
       buildjail-derivation external [OPTION...] BUILD.json

Builds a derivation of Nix or Guix, each builder in a session of its own. FILE.drv lies in the
directory of a store, with its closure. That store is only read.

  realise          build what is missing, and print where each output is, with the hash of its NAR
  check            build once more, and compare with the outputs of the store that FILE.drv lies in,
                   or if they are not there, with those of a first build
  external         run the builder that Nix hands over, as a program of its external-builders
  --folder FOLDER  where the own store is kept; by default in /var/lib/buildjail-derivation for root,
                   else in .local/state/buildjail-derivation
  --toolchain WORD what builders see beside the store: host (default), none, or a path; repeatable,
                   as Nix's sandbox-paths
  --allow NAME     system calls that a session refuses on Linux and builders need, such as
                   user-namespaces; repeatable
  -h, --help       print this help

The exit status is 0; 1 if a build failed or check found a difference; 2 if nothing was tried.
`

const status = { good: 0, failed: 1, notTried: 2 } as const

class UsageError extends Error {}

async function main(words: readonly string[]): Promise<number> {
  const { values: options, positionals } = optionsIn(words)
  if (options.help === true) {
    process.stdout.write(usage)
    return status.good
  }
  const [verb, file, ...others] = positionals
  if ((verb !== 'realise' && verb !== 'check' && verb !== 'external') || file === undefined || others.length > 0) throw new UsageError('it takes realise, check or external, and one file')
  const spec = { ...(options.toolchain && { toolchain: toolchainOf(options.toolchain) }), ...(options.allow && { allow: options.allow as Allowance[] }) }
  if (verb === 'external') return buildExternal(file, spec)
  const place = await placeOf(file)
  const realisation = await Realisation.open({ folder: options.folder ?? (await usualFolder(place.directory)), directory: place.directory, spec })
  try {
    return verb === 'realise' ? await realise(realisation, place) : await check(realisation, place)
  } finally {
    await realisation.close()
  }
}

interface Options {
  readonly folder?: string | undefined
  readonly toolchain?: readonly string[] | undefined
  readonly allow?: readonly string[] | undefined
  readonly help?: boolean | undefined
}

const toolchainOf = (words: readonly string[]): Toolchain => (words.length === 1 && (words[0] === 'host' || words[0] === 'none') ? words[0] : words)

function optionsIn(words: readonly string[]): { readonly values: Options; readonly positionals: readonly string[] } {
  try {
    const options = { folder: { type: 'string' }, toolchain: { type: 'string', multiple: true }, allow: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args: [...words], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

interface Place {
  /** The directory of the host that it lies in. */
  readonly from: string
  /** Where that store is inside. */
  readonly directory: string
  /** Its store path. */
  readonly drv: string
}

/** The store of a derivation is the one that its outputs are to be in, wherever the file lies. */
async function placeOf(file: string): Promise<Place> {
  const real = await realpath(file)
  const [output] = readDerivation(await readFile(real, 'utf8')).outputs.values()
  if (output === undefined || output.path === '') throw new DerivationError(`${file}: it has no output whose path is known`)
  const directory = path.dirname(output.path)
  return { from: path.dirname(real), directory, drv: `${directory}/${path.basename(real)}` }
}

async function usualFolder(directory: string): Promise<string> {
  const state = process.geteuid?.() === 0 ? '/var/lib' : (process.env['XDG_STATE_HOME'] ?? path.join(homedir(), '.local', 'state'))
  const folder = path.join(state, 'buildjail-derivation', directory.slice(1).replaceAll('/', '-'))
  await mkdir(path.dirname(folder), { recursive: true })
  return folder
}

async function realise(realisation: Realisation, { from, drv }: Place): Promise<number> {
  const { store } = realisation
  await (await Closure.open(store, from)).bringDerivation(drv)
  const realised = await realisation.realise([drv])
  for (const storePath of realised.get(drv)?.values() ?? []) console.log(`${written(store.query(storePath)?.narHash ?? '')} ${store.onHost(storePath)}`)
  return status.good
}

async function check(realisation: Realisation, { from, drv }: Place): Promise<number> {
  const closure = await Closure.open(realisation.store, from)
  const derivation = await closure.bringDerivation(drv)
  await closure.bringOutputs(derivation, derivation.outputs.keys())
  const comparisons = await realisation.check(drv)
  for (const { path: storePath, narHash, again } of comparisons) {
    console.log(narHash === again ? `same ${written(narHash)} ${storePath}` : `differs ${written(narHash)} ${storePath}, and ${written(again)} built again`)
  }
  return comparisons.every(({ narHash, again }) => narHash === again) ? status.good : status.failed
}

const written = (narHash: string): string => `sha256:${base32(Buffer.from(narHash, 'hex'))}`

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isKnown = error instanceof UsageError || error instanceof DerivationError || error instanceof AggregateError || isBuildjailError(error) || (error as NodeJS.ErrnoException).code !== undefined
  if (!isKnown) throw error
  console.error(`buildjail-derivation: ${(error as Error).message}`)
  process.exitCode = error instanceof UsageError ? status.notTried : status.failed
}
