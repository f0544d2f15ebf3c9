import path from 'node:path'

import { readIni } from './config-text.ts'
import type { Machine, NamedUrl } from './machine.ts'

/** The registry and those of scopes, by npm's own order: variables, the project's .npmrc, the user's, the global one and npm's own. */
export function npmUrls(machine: Machine): readonly NamedUrl[] | undefined {
  const settings = [...ofVariables(machine), ...rcFiles(machine).flatMap((file) => ofFile(machine, file))]
  const first = new Map<string, NamedUrl>()
  for (const { key, ...named } of settings) if (!first.has(key)) first.set(key, named)
  const usual = first.has('registry') ? [] : (ofInstalled(machine) ?? ofLock(machine))
  return usual === undefined ? undefined : [...first.values(), ...usual]
}

type Setting = NamedUrl & { readonly key: string }

const wanted = /^(?:registry|@[^:]+:registry)$/

function ofVariables({ env }: Machine): readonly Setting[] {
  return Object.entries(env).flatMap(([name, url]) => {
    const key = /^npm_config_(.+)$/i.exec(name)?.[1]?.toLowerCase()
    return key !== undefined && wanted.test(key) && url !== undefined && url !== '' ? [{ key, url, from: name, isOfProject: false }] : []
  })
}

function rcFiles(machine: Machine): readonly { readonly file: string; readonly isOfProject: boolean }[] {
  const user = variable(machine, 'userconfig') ?? path.join(machine.home, '.npmrc')
  const globals = variable(machine, 'globalconfig') === undefined ? prefixes(machine).map((prefix) => path.join(prefix, 'etc/npmrc')) : [variable(machine, 'globalconfig') as string]
  const own = folders(machine).map((folder) => path.join(folder, 'npmrc'))
  const ofProject = projects(machine).map((folder) => path.join(folder, '.npmrc')).filter((file) => file !== user)
  return [...ofProject.map((file) => ({ file, isOfProject: true })), ...[user, ...globals, ...own].map((file) => ({ file, isOfProject: false }))]
}

function variable({ env }: Machine, name: string): string | undefined {
  return env[`npm_config_${name}`] ?? env[`NPM_CONFIG_${name.toUpperCase()}`]
}

/** The nearest folder with a package.json or node_modules, and the workspace around it. */
function projects(machine: Machine): readonly string[] {
  const nearest = machine.folders.find((folder) => machine.names(folder).some((name) => name === 'package.json' || name === 'node_modules'))
  const workspace = machine.folders.find((folder) => folder !== nearest && /"workspaces"\s*:/.test(machine.text(path.join(folder, 'package.json')) ?? ''))
  return [nearest ?? machine.cwd, ...(workspace === undefined ? [] : [workspace])]
}

function prefixes(machine: Machine): readonly string[] {
  const named = variable(machine, 'prefix') ?? machine.variable('PREFIX')
  return named === undefined ? machine.programs('node').map((node) => path.dirname(path.dirname(node))) : [named]
}

function ofFile(machine: Machine, { file, isOfProject }: { readonly file: string; readonly isOfProject: boolean }): readonly Setting[] {
  return readIni(machine.text(file) ?? '').flatMap(({ key, value }) => {
    // In a file of the project, npm puts in variables too. Here they could be secrets, and names are told to everybody.
    const url = isOfProject ? value : value.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => machine.env[name.replace(/\?$/, '')] ?? whole)
    return wanted.test(key.toLowerCase()) && url !== '' ? [{ key: key.toLowerCase(), url, from: file, isOfProject }] : []
  })
}

/** Folders in which npm is installed. */
function folders(machine: Machine): readonly string[] {
  return machine.programs('npm').map((program) => path.dirname(path.dirname(program)))
}

/** What npm has where nothing is configured. Debian has the packages of npm beside it. */
function ofInstalled(machine: Machine): readonly NamedUrl[] | undefined {
  const definitions = '@npmcli/config/lib/definitions/definitions.js'
  for (const file of folders(machine).flatMap((folder) => [path.join(folder, 'node_modules', definitions), path.join(path.dirname(folder), definitions)])) {
    const url = /(?:define|Definition)\(\s*['"]registry['"],\s*\{\s*default:\s*['"]([^'"]+)['"]/.exec(machine.text(file) ?? '')?.[1]
    if (url !== undefined) return [{ url, from: file, isOfProject: false }]
  }
  return undefined
}

function ofLock(machine: Machine): readonly NamedUrl[] | undefined {
  const lock = machine.nearest('package-lock.json') ?? machine.nearest('npm-shrinkwrap.json')
  const origins = new Set([...(lock?.text ?? '').matchAll(/"resolved":\s*"(https?:\/\/[^/"]+)/g)].map(([, origin = '']) => origin))
  return lock === undefined || origins.size === 0 ? undefined : [...origins].map((url) => ({ url, from: lock.file, isOfProject: true }))
}
