import path from 'node:path'

import { readTomlTexts } from './config-text.ts'
import type { Machine, NamedUrl } from './machine.ts'

/** The registries of config.toml, what stands in place of crates.io, and the sources of Cargo.lock. */
export function cargoUrls(machine: Machine): readonly NamedUrl[] | undefined {
  const config = new Config(machine)
  const lock = machine.nearest('Cargo.lock')
  const replacement = config.replacementOf('crates-io')
  if (lock === undefined && replacement === undefined && config.registries.length === 0) return undefined
  const known = new Set(config.registries.map(({ url }) => plain(url)))
  const locked = sourcesIn(lock).filter(({ url }) => !known.has(plain(url)) && !config.replacesGit(plain(url)))
  const others = [...config.registries, ...locked.filter(({ url }) => !url.startsWith('registry+'))].flatMap((one) => withDownloads(machine, one))
  if (replacement !== undefined) return replacement === 'local' ? others : [...others, ...withDownloads(machine, replacement)]
  const usual = locked.filter(({ url }) => url.startsWith('registry+')).map((source) => ofCache(machine, source))
  return usual.every((urls) => urls !== undefined) ? [...others, ...usual.flat()] : undefined
}

/** Each once. A package of the project itself has none. */
function sourcesIn(lock: ReturnType<Machine['nearest']>): readonly NamedUrl[] {
  if (lock === undefined) return []
  const urls = new Set([...lock.text.matchAll(/^source = "([^"\n]+)"$/gm)].map(([, source = '']) => source))
  return [...urls].map((url) => ({ url, from: lock.file, isOfProject: true }))
}

/** Without the kind of registry before it and the commit behind it. */
function plain(url: string): string {
  return url.replace(/^(?:registry|sparse|git)\+/, '').replace(/[?#].*$/, '')
}

class Config {
  readonly #values = new Map<string, { readonly value: string; readonly from: string; readonly isOfProject: boolean }>()
  readonly #sources = new Set<string>()
  readonly registries: readonly NamedUrl[]

  constructor(machine: Machine) {
    const home = cargoHome(machine)
    // The nearest wins.
    for (const folder of [...machine.folders.map((one) => path.join(one, '.cargo')), home]) {
      for (const file of ['config', 'config.toml'].map((name) => path.join(folder, name))) {
        for (const { path: keys, value } of readTomlTexts(machine.text(file) ?? '')) {
          if (keys[0] === 'source') this.#sources.add(keys[1] ?? '')
          const key = keys.join('\0')
          if (!this.#values.has(key)) this.#values.set(key, { value, from: file, isOfProject: folder !== home })
        }
      }
    }
    const inFiles = [...this.#values].filter(([key]) => /^registries\0[^\0]+\0index$/.test(key)).map(([, { value, ...others }]) => ({ url: value, ...others }))
    const inVariables = Object.entries(machine.env).filter(([name, url]) => /^CARGO_REGISTRIES_.+_INDEX$/.test(name) && url !== undefined && url !== '')
    this.registries = [...inFiles, ...inVariables.map(([from, url = '']) => ({ url, from, isOfProject: false }))]
  }

  /** `local` is a folder. Undefined for a source that nothing stands in for. */
  replacementOf(source: string, depth = 0): NamedUrl | 'local' | undefined {
    const next = this.#values.get(`source\0${source}\0replace-with`)
    if (next === undefined) return depth === 0 ? undefined : this.#urlOf(source)
    // One that leads in a circle is refused by cargo.
    return depth > 16 ? undefined : this.replacementOf(next.value, depth + 1)
  }

  replacesGit(url: string): boolean {
    return [...this.#sources].some((source) => plain(this.#values.get(`source\0${source}\0git`)?.value ?? '') === url && this.#values.has(`source\0${source}\0replace-with`))
  }

  #urlOf(source: string): NamedUrl | 'local' {
    const found = this.#values.get(`source\0${source}\0registry`) ?? this.#values.get(`registries\0${source}\0index`) ?? this.#values.get(`source\0${source}\0git`)
    return found === undefined ? 'local' : { url: found.value, from: found.from, isOfProject: found.isOfProject }
  }
}

function cargoHome(machine: Machine): string {
  return machine.variable('CARGO_HOME') ?? path.join(machine.home, '.cargo')
}

interface CachedIndex {
  readonly host: string
  readonly from: string
  readonly downloads: string
  readonly api: string | undefined
}

/** Indexes that cargo has fetched: the folder has the host in its name, and config.json the place of the crates. */
function cachedIndexes(machine: Machine): readonly CachedIndex[] {
  const folder = path.join(cargoHome(machine), 'registry/index')
  return machine.names(folder).flatMap((name) => {
    const from = path.join(folder, name, 'config.json')
    const host = /^(.+)-[\da-f]{16}$/.exec(name)?.[1]
    const text = machine.text(from) ?? ''
    const [dl, api] = ['dl', 'api'].map((key) => new RegExp(`"${key}"\\s*:\\s*"([^"]+)"`).exec(text)?.[1])
    return host === undefined || dl === undefined ? [] : [{ host, from, downloads: dl, api }]
  })
}

function hostOf(url: string | undefined): string {
  const found = plain(url ?? '')
  return URL.canParse(found) ? new URL(found).hostname : ''
}

/** With the place of its crates, as far as cargo has asked the registry before. That place is the registry's word, so a project chose it with the registry. */
function withDownloads(machine: Machine, registry: NamedUrl): readonly NamedUrl[] {
  const indexes = cachedIndexes(machine).filter(({ host }) => host === hostOf(registry.url))
  return [registry, ...indexes.map(({ downloads, from }) => ({ url: downloads, from, isOfProject: registry.isOfProject }))]
}

/**
 * The default registry: Cargo.lock has it by a repository whose name has the host of its API in it, and cargo asks the sparse index in place
 * of that.
 */
function ofCache(machine: Machine, { url, isOfProject }: NamedUrl): readonly NamedUrl[] | undefined {
  const indexes = cachedIndexes(machine)
  const found = indexes.find(({ host }) => host === hostOf(url)) ?? indexes.find(({ api }) => hostOf(api) !== '' && plain(url).includes(`/${hostOf(api)}`))
  if (found === undefined) return undefined
  return [`https://${found.host}/`, found.downloads].map((one) => ({ url: one, from: found.from, isOfProject }))
}
