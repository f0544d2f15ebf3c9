#!/usr/bin/env node
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { isBuildjailError, type Allowance, type Toolchain } from 'buildjail'

import { base32 } from './base32.ts'
import { Closure } from './closure.ts'
import { DerivationError } from './errors.ts'
import { buildExternal } from './external.ts'
import { placeOf, usualFolder, type Place } from './place.ts'
import { Realisation } from './realisation.ts'

const usage = `usage: buildjail-derivation realise FILE.drv [OPTION...]
       buildjail-derivation check FILE.drv [OPTION...]
       buildjail-derivation external [OPTION...] BUILD.json

Builds a derivation of Nix or Guix, each builder in a session of its own. FILE.drv lies in the
directory of a store, with its closure. That store is only read, and what is in it is trusted.

  realise          build what is missing, and print where each output is, with the hash of its NAR
  check            build once more, and compare with the outputs of the store that FILE.drv lies in,
                   or if they are not there, with those of a first build
  external         run the builder that Nix hands over, as a program of its external-builders
  --folder FOLDER  where the own store is kept; by default one for each directory that a FILE.drv lies in, in
                   /var/lib/buildjail-derivation for root, else in .local/state/buildjail-derivation
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
  const folder = options.folder ?? usualFolder(place)
  await mkdir(path.dirname(folder), { recursive: true })
  const realisation = await Realisation.open({ folder, directory: place.directory, spec })
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

async function realise(realisation: Realisation, { from, drv }: Place): Promise<number> {
  const { store } = realisation
  await (await Closure.open(store, from)).bringDerivation(drv)
  const realised = await realisation.realise([drv])
  for (const storePath of realised.get(drv)?.values() ?? []) console.log(`${written(store.query(storePath)?.narHash ?? '')} ${store.onHost(storePath)}`)
  return status.good
}

async function check(realisation: Realisation, { from, drv }: Place): Promise<number> {
  const closure = await Closure.open(realisation.store, from)
  const there = await closure.hashesOf(await closure.bringDerivation(drv))
  const comparisons = await realisation.check(drv, there)
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
