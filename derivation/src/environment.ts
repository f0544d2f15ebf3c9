// What a builder finds in its environment and in its build directory, as Nix's and Guix's daemons have it.
import { createHash } from 'node:crypto'

import type { Derivation } from './aterm.ts'
import type { Attributes } from './attributes.ts'
import { base32 } from './base32.ts'
import { isDerivation } from './check.ts'
import { DerivationError } from './errors.ts'
import { fixedOutput } from './hash-modulo.ts'
import type { Registered } from './registry.ts'
import { storePathOf } from './store-path.ts'
import { NumberText, shellScript, writeJson, type Json } from './structured.ts'

export interface Places {
  readonly storeDirectory: string
  /** Inside. */
  readonly buildDirectory: string
  /** How many processors a builder may count on. */
  readonly cores: number
}

export interface Handed {
  /** Undefined: a variable that sessions have and a builder does not find. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Texts of files in the build directory, by name. */
  readonly files: Readonly<Record<string, string>>
}

/** Reads closures of the store. Both are in the order of their paths. */
export type Closures = (name: string) => readonly (readonly [path: string, registered: Registered, closureSize: number])[]

/** As `builtins.placeholder` of Nix gives it: it stands for the path of an output, which an expression cannot know yet. */
const placeholder = (output: string): string => `/${base32(createHash('sha256').update(`nix-output:${output}`).digest())}`

/** With the paths of its outputs where it has placeholders for them. Its `__json` is a variable, too. */
export function withoutPlaceholders(derivation: Derivation): Derivation {
  const { outputs, builder, args, env } = derivation
  const paths = [...outputs].map(([name, { path }]) => [placeholder(name), path] as const)
  const replaced = (text: string): string => paths.reduce((all, [from, to]) => all.replaceAll(from, to), text)
  return { ...derivation, builder: replaced(builder), args: args.map(replaced), env: new Map([...env].map(([name, value]) => [name, replaced(value)])) }
}

/** @param host its environment, of which a fixed output may name variables, such as those of a proxy */
export function handedTo(derivation: Derivation, attributes: Attributes, closures: Closures, { storeDirectory, buildDirectory, cores }: Places, host: NodeJS.ProcessEnv): Handed {
  const files = attributes.structured === undefined ? plainFiles(derivation, attributes, closures) : structuredFiles(derivation, attributes, closures)
  const env = {
    LC_ALL: undefined,
    PATH: '/path-not-set',
    HOME: '/homeless-shelter',
    NIX_STORE: storeDirectory,
    NIX_BUILD_CORES: String(cores),
    ...(attributes.structured === undefined ? variables(derivation, attributes, buildDirectory) : structuredVariables(buildDirectory)),
    NIX_BUILD_TOP: buildDirectory,
    ...Object.fromEntries(['TMPDIR', 'TEMPDIR', 'TMP', 'TEMP', 'PWD'].map((name) => [name, buildDirectory])),
    ...(fixedOutput(derivation) === undefined ? {} : { NIX_OUTPUT_CHECKED: '1', ...Object.fromEntries(attributes.impureEnvVars.map((name) => [name, Object.hasOwn(host, name) ? host[name] : ''])) }),
    NIX_LOG_FD: '2',
    TERM: 'xterm-256color',
  }
  return { env, files }
}

const fileOf = (variable: string): string => `.attr-${base32(createHash('sha256').update(variable).digest())}`

function variables({ env }: Derivation, { passAsFile }: Attributes, buildDirectory: string): Record<string, string> {
  return Object.fromEntries([...env].map(([name, value]) => (passAsFile.includes(name) ? [`${name}Path`, `${buildDirectory}/${fileOf(name)}`] : [name, value])))
}

function plainFiles({ env }: Derivation, { passAsFile, graphs }: Attributes, closures: Closures): Record<string, string> {
  const passed = passAsFile.flatMap((name) => (env.has(name) ? [[fileOf(name), env.get(name) ?? ''] as const] : []))
  return Object.fromEntries([...passed, ...[...graphs.keys()].map((name) => [name, registrationOf(closures(name))] as const)])
}

/** As `nix-store --load-db` reads it: the path, no deriver, and the references. */
function registrationOf(closure: ReturnType<Closures>): string {
  return closure.map(([path, { references }]) => `${[path, '', references.length, ...references].join('\n')}\n`).join('')
}

const structuredNames = { NIX_ATTRS_SH_FILE: '.attrs.sh', NIX_ATTRS_JSON_FILE: '.attrs.json' } as const

const structuredVariables = (buildDirectory: string): Record<string, string> =>
  Object.fromEntries(Object.entries(structuredNames).map(([name, file]) => [name, `${buildDirectory}/${file}`]))

function structuredFiles({ outputs }: Derivation, { structured = {}, graphs }: Attributes, closures: Closures): Record<string, string> {
  const json = {
    ...structured,
    outputs: Object.fromEntries([...outputs].map(([name, { path }]) => [name, path])),
    ...Object.fromEntries([...graphs.keys()].map((name) => [name, closures(name).map(metadata)])),
  }
  return { [structuredNames.NIX_ATTRS_JSON_FILE]: writeJson(json), [structuredNames.NIX_ATTRS_SH_FILE]: shellScript(json) }
}

function metadata([path, { narHash, narSize, references, ca }, closureSize]: ReturnType<Closures>[number]): Json {
  return {
    ...(ca === undefined ? {} : { ca }),
    closureSize: new NumberText(String(closureSize)),
    narHash: `sha256:${base32(Buffer.from(narHash, 'hex'))}`,
    narSize: new NumberText(String(narSize)),
    path,
    references,
    valid: true,
  }
}

/**
 * The closures of exportReferencesGraph. A closure with a derivation in it also has the valid outputs of that, and their references.
 * @param inputs paths that the builder sees
 * @throws DerivationError of a path that it does not see
 */
export function closuresIn(store: Store, { graphs }: Attributes, inputs: ReadonlySet<string>): Closures {
  return (name) => {
    const wanted = (graphs.get(name) ?? []).map((one) => storePathOf(store.directory, one))
    const missing = wanted.find((path) => !inputs.has(path))
    if (missing !== undefined) throw new DerivationError(`its exportReferencesGraph has ${missing}, which is not in the closure of its inputs`)
    const closure = store.closure(wanted)
    const made = [...closure].filter(isDerivation).flatMap((path) => store.outputsOf(path))
    const sizeOf = (paths: Iterable<string>): number => [...paths].reduce((sum, path) => sum + (store.query(path)?.narSize ?? 0), 0)
    return [...store.closure([...closure, ...made])].sort().map((path) => [path, store.query(path) as Registered, sizeOf(store.closure([path]))])
  }
}

interface Store {
  readonly directory: string
  closure(paths: Iterable<string>): ReadonlySet<string>
  query(path: string): Registered | undefined
  /** The valid outputs of a derivation. */
  outputsOf(path: string): readonly string[]
}
