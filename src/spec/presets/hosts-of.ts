import { SpecError } from '../../errors.ts'
import { allowedHostText, readAllowedHost } from '../allowed-hosts.ts'
import { invalid, readRecord, readText } from '../check.ts'
import { workingFolder } from '../look.ts'
import { cargoUrls } from './cargo.ts'
import { gitUrls } from './git.ts'
import { goUrls } from './go.ts'
import { Machine, type NamedUrl, type Variables } from './machine.ts'
import { npmUrls } from './npm.ts'
import { pipUrls } from './pip.ts'

/** A tool whose own configuration says which hosts it needs. */
export type Preset = 'npm' | 'pip' | 'cargo' | 'go' | 'git'

export interface HostsOfOptions {
  /** The folder in which the tool would be started. Default: the current one. */
  readonly cwd?: string
  /** Default: the environment of this program. */
  readonly env?: Variables
}

interface Tool {
  /** Undefined if no file and no variable says it. Empty if the tool needs no network. */
  readonly urls: (machine: Machine) => readonly NamedUrl[] | undefined
  /** What would say it. */
  readonly says: string
}

const tools: Readonly<Record<Preset, Tool>> = {
  npm: { urls: npmUrls, says: 'set npm_config_registry, or registry in .npmrc, or install npm' },
  pip: { urls: pipUrls, says: 'set PIP_INDEX_URL, or index-url in pip.conf, or install pip' },
  cargo: { urls: cargoUrls, says: 'set replace-with of [source.crates-io] in config.toml of cargo, or run cargo fetch on the host once, which leaves Cargo.lock and the index' },
  go: { urls: goUrls, says: 'set GOPROXY, or install go' },
  git: { urls: gitUrls, says: 'begin in a repository, and add a remote to its .git/config' },
}

export const presets: readonly Preset[] = Object.keys(tools) as Preset[]

export function isPreset(word: unknown): word is Preset {
  return typeof word === 'string' && Object.hasOwn(tools, word)
}

/**
 * The entries `NAME:PORT` that `network: { allow: [preset] }` stands for, sorted. They are read from the configuration of the tool on this host, without the
 * network.
 * @throws SpecError naming the preset: no file and no variable names the hosts, or a file of the project gives an address in place of a name
 */
export function hostsOf(preset: Preset, options: HostsOfOptions = {}): readonly string[] {
  const { cwd = workingFolder(), env = process.env, ...others } = readRecord(options, 'options') as HostsOfOptions
  for (const name of Object.keys(others)) throw invalid(name, 'is not an option of hostsOf')
  if (!isPreset(preset)) throw invalid('preset', `must be one of ${presets.join(', ')}`)
  return presetHosts(preset, readText(cwd, 'cwd'), env, preset)
}

/** @param entry that an error names */
export function presetHosts(preset: Preset, cwd: string, env: Variables, entry: string): readonly string[] {
  const { urls, says } = tools[preset]
  const machine = new Machine(cwd, env)
  const found = urls(machine)
  if (found === undefined) throw invalid(entry, `no file and no variable says which hosts ${preset} needs: ${says}`)
  return [...new Set(found.flatMap((named) => entryOf(machine, named, entry) ?? []))].toSorted()
}

const ports: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80, 'ssh:': 22, 'git:': 9418 }

/** Undefined for what is no host, such as a folder. A URL can have a password in it, so no message has the whole of it. */
function entryOf(machine: Machine, { url, from, isOfProject }: NamedUrl, entry: string): string | undefined {
  const plain = url.replace(/^(?:sparse|registry|git)\+/, '')
  if (!/^[\w+.-]+:\/\//.test(plain)) return undefined
  if (!URL.canParse(plain)) throw invalid(entry, `${from} has a URL that cannot be read`)
  const { protocol, hostname, port } = new URL(plain)
  const usual = Object.hasOwn(ports, protocol) ? ports[protocol] : undefined
  if (usual === undefined || hostname === '') return undefined
  const host = read(`${hostname}:${port === '' ? usual : port}`, from, entry)
  // A URL can have a * in its host.
  // defence: tool-names-no-wildcard
  if (host.kind === 'wildcard') throw invalid(entry, `${from} names ${allowedHostText(host)}, which is no host`)
  // A name of the host's own networks is refused when it is connected to; an address is connected to as it is written.
  // defence: project-names-address
  if ((isOfProject || machine.isOfProject(from)) && (host.kind === 'address' || host.kind === 'host')) {
    throw invalid(entry, `${from} is of the project, and names ${allowedHostText(host)}: write that itself, as an entry`)
  }
  return allowedHostText(host)
}

function read(text: string, from: string, entry: string): ReturnType<typeof readAllowedHost> {
  try {
    return readAllowedHost(text, entry)
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    throw invalid(entry, `of ${from}: ${error.message.slice(entry.length + 2)}`, error)
  }
}
