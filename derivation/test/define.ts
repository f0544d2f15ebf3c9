import { writeDerivation } from '../src/aterm.ts'
import { derivationPath, referencesOf } from '../src/check.ts'
import { hashModulo, outputPaths } from '../src/hash-modulo.ts'
import type { Store } from '../src/store.ts'

export interface Defined {
  /** Of its .drv file. */
  readonly path: string
  /** Their paths, by name. */
  readonly outputs: Readonly<Record<string, string>>
}

/** As the arguments of Nix's `derivation`. */
export interface Definition {
  readonly name: string
  readonly system: string
  readonly builder: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Names; `out` alone by default. */
  readonly outputs?: readonly string[]
  /** Derivations, of which it may see all outputs. */
  readonly inputs?: readonly Defined[]
  /** Store paths. */
  readonly sources?: readonly string[]
  /** The hash of its output, in hexadecimal. */
  readonly fixed?: { readonly method: string; readonly hash: string }
  /** Structured attributes, besides those of `derivation` itself. `env` has no use then. */
  readonly structured?: Readonly<Record<string, unknown>>
}

/** Writes derivations into a store, each after its inputs. */
export class Definitions {
  readonly #store: Store
  readonly #hashes = new Map<string, string>()

  constructor(store: Store) {
    this.#store = store
  }

  async define({ name, system, builder, args = [], env = {}, outputs = ['out'], inputs = [], sources = [], fixed, structured }: Definition): Promise<Defined> {
    const hashOf = (path: string): string => this.#hashes.get(path) ?? ''
    const { method = '', hash = '' } = fixed ?? {}
    const own = fixed === undefined ? {} : { outputHash: hash, outputHashAlgo: method.replace('r:', ''), outputHashMode: method.startsWith('r:') ? 'recursive' : 'flat' }
    const several = outputs.length === 1 ? {} : { outputs: outputs.join(' ') }
    const variables = structured === undefined ? { name, system, builder, ...own, ...several, ...env } : { __json: JSON.stringify({ name, system, builder, outputs, ...structured }) }
    const draft = {
      outputs: new Map(outputs.map((output) => [output, { path: '', method, hash }])),
      inputDrvs: new Map(inputs.map((input) => [input.path, Object.keys(input.outputs)])),
      inputSrcs: sources,
      system,
      builder,
      args,
      env: new Map(Object.entries({ ...variables, ...Object.fromEntries(outputs.map((output) => [output, ''])) })),
    }
    const paths = outputPaths(this.#store.directory, name, draft, hashOf)
    const derivation = {
      ...draft,
      outputs: new Map([...draft.outputs].map(([output, declared]) => [output, { ...declared, path: paths.get(output) ?? '' }])),
      env: new Map([...draft.env, ...paths]),
    }
    const path = derivationPath(this.#store.directory, name, derivation)
    this.#hashes.set(path, hashModulo(derivation, hashOf))
    await this.#store.addText(`${name}.drv`, writeDerivation(derivation), referencesOf(derivation))
    return { path, outputs: Object.fromEntries(paths) }
  }
}

export const outOf = ({ outputs }: Defined): string => outputs['out'] ?? ''
