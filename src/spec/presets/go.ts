import path from 'node:path'

import { readIni } from './config-text.ts'
import type { Machine, NamedUrl } from './machine.ts'

/** Proxies and the checksum database, and the hosts of modules that go(1) fetches directly. */
export function goUrls(machine: Machine): readonly NamedUrl[] | undefined {
  const flags = setting(machine, 'GOFLAGS')?.value ?? ''
  if (/(?:^|\s)-mod=vendor(?:\s|$)/.test(flags)) return []
  const proxy = setting(machine, 'GOPROXY')
  if (proxy === undefined) return undefined
  const places = proxy.value.split(/[,|]/).map((one) => one.trim()).filter((one) => one !== '')
  const until = places.indexOf('off')
  const asked = until < 0 ? places : places.slice(0, until)
  const proxies = asked.filter((one) => one !== 'direct').map((url) => ({ url, from: proxy.from, isOfProject: false }))
  // After a proxy, `direct` is only for modules that the proxy does not know.
  const isDirect = asked[0] === 'direct'
  return [...proxies, ...modules(machine, isDirect), ...(asked.length === 0 ? [] : checksums(machine))]
}

interface Value {
  readonly value: string
  readonly from: string
}

/** By go's own order: a variable, the file of `go env -w`, and that of the installation. */
function setting(machine: Machine, name: string): Value | undefined {
  const given = machine.variable(name)
  if (given !== undefined) return { value: given, from: name }
  const config = machine.variable('XDG_CONFIG_HOME') ?? path.join(machine.home, '.config')
  const own = machine.variable('GOENV') ?? path.join(config, 'go/env')
  const roots = [machine.variable('GOROOT') ?? [], machine.programs('go').map((go) => path.dirname(path.dirname(go)))].flat()
  for (const file of [...(own === 'off' ? [] : [own]), ...roots.map((root) => path.join(root, 'go.env'))]) {
    const found = readIni(machine.text(file) ?? '').find(({ key }) => key === name)
    if (found !== undefined) return { value: found.value, from: file }
  }
  return undefined
}

/** `name`, `name+key` or `name+key url`. */
function checksums(machine: Machine): readonly NamedUrl[] {
  const database = setting(machine, 'GOSUMDB')
  if (database === undefined || database.value === 'off') return []
  const [key = '', url] = database.value.split(/\s+/)
  return [{ url: url ?? `https://${key.replace(/\+.*$/s, '')}/`, from: database.from, isOfProject: false }]
}

/** @param areAll whether all modules are fetched directly, and not only private ones */
function modules(machine: Machine, areAll: boolean): readonly NamedUrl[] {
  const file = machine.nearest('go.mod')
  if (file === undefined) return []
  const patterns = (setting(machine, 'GONOPROXY') ?? setting(machine, 'GOPRIVATE'))?.value.split(',').filter((one) => one !== '') ?? []
  const paths = [...file.text.matchAll(/^[ \t]*(?:require[ \t]+)?([\w.-]+\.[\w-]+(?:\/[\w.~!-]+)*)[ \t]+v\d/gm)].map(([, found = '']) => found)
  const direct = paths.filter((one) => areAll || patterns.some((pattern) => fits(one, pattern)))
  return [...new Set(direct.map((one) => one.split('/')[0]))].map((host) => ({ url: `https://${host}/`, from: file.file, isOfProject: true }))
}

/** As module.MatchPrefixPatterns of golang.org/x/mod: a pattern fits as many elements of a path as it has itself. */
function fits(module: string, pattern: string): boolean {
  const [elements, wanted] = [module.split('/'), pattern.trim().split('/')]
  return wanted.length <= elements.length && wanted.every((glob, index) => new RegExp(`^${glob.replaceAll(/[^\w*?-]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.')}$`).test(elements[index] ?? ''))
}
