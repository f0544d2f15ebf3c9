import path from 'node:path'

import { readIni } from './config-text.ts'
import type { Machine, NamedUrl } from './machine.ts'

/** The indexes that pip(1) asks, by its own order: variables, and then the last file that has them. */
export function pipUrls(machine: Machine): readonly NamedUrl[] | undefined {
  const usual = ofInstalled(machine)
  const index = configured(machine, 'index-url') ?? usual?.index
  if (index === undefined) return undefined
  const all = [...index, ...(configured(machine, 'extra-index-url') ?? [])]
  // The usual index has its files at another host.
  const storage = usual !== undefined && all.some(({ url }) => hostOf(url) === hostOf(usual.index[0]?.url ?? '')) ? usual.files : []
  return [...all, ...storage]
}

function configured(machine: Machine, name: string): readonly NamedUrl[] | undefined {
  const variable = `PIP_${name.replaceAll('-', '_').toUpperCase()}`
  const given = machine.variable(variable)
  if (given !== undefined) return urlsIn(given, variable)
  for (const file of files(machine)) {
    const values = readIni(machine.text(file) ?? '', true).filter(({ section, key }) => sections.has(section) && key.replaceAll('_', '-') === name)
    if (values.length > 0) return values.flatMap(({ value }) => urlsIn(value, file))
  }
  return undefined
}

/** Those that say what is downloaded from where. */
const sections: ReadonlySet<string> = new Set(['global', 'install', 'download', 'wheel'])

function urlsIn(values: string, from: string): readonly NamedUrl[] {
  return values.split(/\s+/).filter((url) => url !== '').map((url) => ({ url, from, isOfProject: false }))
}

/** The strongest first. */
function files(machine: Machine): readonly string[] {
  const named = machine.variable('PIP_CONFIG_FILE')
  if (named === '/dev/null') return []
  const environment = machine.variable('VIRTUAL_ENV')
  const ofUser = machine.variable('XDG_CONFIG_HOME') ?? path.join(machine.home, '.config')
  const ofAll = (machine.variable('XDG_CONFIG_DIRS') ?? '/etc/xdg').split(':')
  return [
    ...(named === undefined ? [] : [named]),
    ...(environment === undefined ? [] : [path.join(environment, 'pip.conf')]),
    path.join(ofUser, 'pip/pip.conf'),
    path.join(machine.home, '.pip/pip.conf'),
    '/etc/pip.conf',
    ...ofAll.map((folder) => path.join(folder, 'pip/pip.conf')),
  ]
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}

/** What pip has where nothing is configured. */
function ofInstalled(machine: Machine): { readonly index: readonly NamedUrl[]; readonly files: readonly NamedUrl[] } | undefined {
  for (const prefix of prefixes(machine)) {
    for (const python of machine.names(path.join(prefix, 'lib')).filter((name) => name.startsWith('python3'))) {
      for (const packages of ['site-packages', 'dist-packages']) {
        const from = path.join(prefix, 'lib', python, packages, 'pip/_internal/models/index.py')
        const [, url, domain] = /^PyPI\s*=\s*PackageIndex\(\s*["']([^"']+)["'],\s*(?:file_storage_domain\s*=\s*)?["']([^"']+)["']/m.exec(machine.text(from) ?? '') ?? []
        if (url !== undefined && domain !== undefined) return { index: [{ url, from, isOfProject: false }], files: [{ url: `https://${domain}/`, from, isOfProject: false }] }
      }
    }
  }
  return undefined
}

/** Folders in which a Python may be installed. A shim of pyenv(1) is in none. */
function prefixes(machine: Machine): readonly string[] {
  const environment = machine.variable('VIRTUAL_ENV')
  const versions = path.join(machine.variable('PYENV_ROOT') ?? path.join(machine.home, '.pyenv'), 'versions')
  const real = machine.programs('python3').map((program) => path.dirname(path.dirname(program)))
  return [...(environment === undefined ? [] : [environment]), ...real, ...machine.path.map((folder) => path.dirname(folder)), ...machine.names(versions).map((name) => path.join(versions, name))]
}
