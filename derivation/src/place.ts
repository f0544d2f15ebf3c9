// Where a derivation lies, and where the own store is kept for it.
import { readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

import { readDerivation, type Output } from './aterm.ts'
import { DerivationError } from './errors.ts'

export interface Place {
  /** The directory of the host that it lies in. */
  readonly from: string
  /** Where that store is inside. */
  readonly directory: string
  /** Its store path. */
  readonly drv: string
}

/** The store of a derivation is the one that its outputs are to be in, wherever the file lies. */
export async function placeOf(file: string): Promise<Place> {
  const real = await realpath(file)
  const output = firstOutput(file, await readFile(real, 'utf8'))
  const directory = path.dirname(output.path)
  return { from: path.dirname(real), directory, drv: `${directory}/${path.basename(real)}` }
}

function firstOutput(file: string, text: string): Output {
  try {
    const [output] = readDerivation(text).outputs.values()
    if (output === undefined || output.path === '') throw new DerivationError('it has no output whose path is known')
    return output
  } catch (error) {
    if (!(error instanceof DerivationError)) throw error
    throw new DerivationError(`${file}: ${error.message}`, { cause: error })
  }
}

/** One for each directory of the host: what the own store has from there is believed, and a copy may have other contents at the same store paths. */
export function usualFolder({ from }: Place): string {
  const state = process.geteuid?.() === 0 ? '/var/lib' : (process.env['XDG_STATE_HOME'] ?? path.join(homedir(), '.local', 'state'))
  // No two directories have one name here.
  const name = from.slice(1).replaceAll('%', '%25').replaceAll('-', '%2D').replaceAll('/', '-')
  return path.join(state, 'buildjail-derivation', name)
}
