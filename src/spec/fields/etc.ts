import { readFileSync, statSync } from 'node:fs'

import { bare } from '../plain-data.ts'
import { invalid, readPairs, readRecord, readString } from '../check.ts'
import { isAllowedNetwork, type Network } from './network.ts'
import { gitconfigText, groupText, hostsText, nsswitchText, passwdText, protocolsText, resolvText, servicesText, shellsText } from '../etc-texts.ts'
import { joinedByName, type Draft, type Field } from '../field.ts'
import { host } from '../look.ts'
import { isWithin } from '../paths.ts'
import { refuseTarget } from '../target-rules.ts'

export interface WithEtc {
  /**
   * The files in /etc besides those of the toolchain. `minimal` (default): passwd and group with root, the build user (`build`), daemon, bin and nobody; hosts,
   * nsswitch.conf, protocols, services and shells; gitconfig, which lets git use repositories of other users; localtime, which is UTC; on Linux mtab;
   * resolv.conf, which is empty with a loopback and names the resolver of a network of names. The host's toolchain, its network and a network of names add the
   * host's certificates, and on FreeBSD the time zones. The host's network adds its resolv.conf, hosts and services. Inputs, outputs and entries of `toolchain`
   * win over all of these. `none`: no such file. An object: texts by absolute path below /etc, which are added to `minimal` and win over it; in /etc/passwd an
   * empty uid is the build user's. All texts together have at most 1 MiB. The files belong to nobody inside and are read-only.
   */
  readonly etc?: Etc
}

export type Etc = 'minimal' | 'none' | Readonly<Record<string, string>>

const mostText = 2 ** 20
const keyPattern = String.raw`^/etc/[^\0]+$`

export const etc: Field<Etc, false> = {
  read: (given, entry) => {
    if (given === 'minimal' || given === 'none') return given
    if (typeof given !== 'object') throw invalid(entry, "must be 'minimal', 'none' or an object of paths below /etc and their texts")
    const texts = Object.entries(readRecord(given, entry)).map(([path, text]) => [path, readString(text, `${entry}.${path}`)] as const)
    for (const [path] of texts) {
      if (path.includes('\0')) throw invalid(entry, 'names a path that holds a NUL character')
      refuseTarget(`${entry}.${path}`, path)
      // defence: texts-spec-written-below
      if (!path.startsWith('/etc/')) throw invalid(`${entry}.${path}`, 'is not a path below /etc')
    }
    // defence: texts-spec-bounded
    if (texts.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0) > mostText) throw invalid(entry, `has more than ${mostText} bytes of text`)
    return Object.fromEntries(texts)
  },
  plan: (draft, value = 'minimal') => {
    if (value === 'none') return
    if (value !== 'minimal') addOwn(draft, value)
    const isTaken = takenIn(draft)
    addHostFiles(draft, isTaken)
    addTexts(draft, isTaken)
  },
  isAddable: false,
  facts: ({ files }) => [['etc', files.length === 0 ? '-' : files.map(({ path }) => path.slice('/etc/'.length)).join(' ')]],
  flag: {
    name: 'etc',
    value: '/etc/X=PATH',
    help: 'show the content of PATH as /etc/X, beside the minimal files there; or none; repeatable',
    isRepeatable: true,
    offers: { words: ['minimal', 'none'], paths: 'any' },
    read: (words, option) => {
      if (words.length === 1 && (words[0] === 'minimal' || words[0] === 'none')) return words[0]
      const pairs = readPairs(words, option, 'minimal, none or /etc/X=PATH')
      return Object.fromEntries(Object.entries(pairs).map(([path, source]) => [path, readSource(source, option)]))
    },
    join: (ofFile, given) => (typeof ofFile === 'object' && typeof given === 'object' ? joinedByName(ofFile, given) : given),
  },
  schema: {
    anyOf: [
      { enum: ['minimal', 'none'] },
      { type: 'object', propertyNames: { pattern: keyPattern }, additionalProperties: { type: 'string', pattern: String.raw`^[^\0]*$` } },
    ],
    default: 'minimal',
    description: 'The files in /etc: minimal, none, or path below /etc to text, added to minimal.',
  },
}

function readSource(source: string, option: string): string {
  try {
    const { size } = statSync(source)
    if (size <= mostText) return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(source))
  } catch (error) {
    throw invalid(option, `${source} cannot be read as text${error instanceof Error ? `: ${error.message}` : ''}`, error)
  }
  throw invalid(option, `${source} has more than ${mostText} bytes`)
}

function addOwn({ files, settled }: Draft, texts: Readonly<Record<string, string>>): void {
  const uid = settled.user.uid
  for (const [path, text] of Object.entries(texts)) {
    const filled = path === '/etc/passwd' && uid !== undefined ? text.replaceAll(/^([^:\n]*:[^:\n]*:)(?=:)/gm, `$1${uid}`) : text
    files.push(bare({ path, text: filled, entry: `etc.${path}` }))
  }
}

/** Whether something is at a path, around it or in it: that was asked for and wins. */
type IsTaken = (path: string) => boolean

function takenIn({ mounts, links, files }: Draft): IsTaken {
  const all = [...mounts.map(({ target }) => target), ...links.map((link) => link.path), ...files.map((file) => file.path)]
  // A spec may have thousands of inputs elsewhere.
  const near = all.filter((one) => one.startsWith('/etc') || one.startsWith('/usr'))
  return (path) => near.some((one) => isWithin(one, path) || isWithin(path, one))
}

function addHostFiles(draft: Draft, isTaken: IsTaken): void {
  const { layout, mounts, settled } = draft
  const isFree = (part: string): boolean => !isTaken(part)
  const hasHostNetwork = settled.network === 'host'
  // No part of the toolchain has an identity (toolchain.ts).
  const hasHostToolchain = mounts.some(({ target, source, identity }) => source !== undefined && identity === undefined && layout.toolchain.includes(target))
  if (hasHostNetwork) for (const part of layout.resolver.filter(isFree)) addHostFile(draft, part)
  const hasCertificates = hasHostNetwork || hasHostToolchain || isAllowedNetwork(settled.network)
  if (hasCertificates) for (const part of layout.trust.filter(isFree)) addHostPart(draft, part)
}

/** What a link leads to, as systemd keeps the file of /etc/resolv.conf elsewhere. */
function addHostFile(draft: Draft, path: string): void {
  const source = fileAt(path)
  if (source !== undefined) draft.mounts.push(bare({ kind: 'file', target: path, source, writable: false, entry: 'network' }))
}

function fileAt(path: string): string | undefined {
  try {
    return host().stat(path).isFile() ? host().realpath(path) : undefined
  } catch {
    // A link that leads nowhere, or in a circle: without it the build finds nothing, as the host does.
    return undefined
  }
}

function addHostPart(draft: Draft, path: string): void {
  const found = host().lstatIfThere(path)
  if (found === undefined) return
  if (found.isSymbolicLink()) draft.links.push(bare({ path, target: host().readlink(path) }))
  else draft.mounts.push(bare({ kind: found.isDirectory() ? 'bind' : 'file', target: path, source: path, writable: false, entry: 'etc' }))
}

function resolvTexts(network: Network): readonly (readonly [name: string, text: string])[] {
  if (isAllowedNetwork(network)) return [['resolv.conf', resolvText]]
  // Some resolvers fail without one. They find nothing by an empty one, and at once: nothing listens at port 53 of the loopback.
  return network === 'loopback' ? [['resolv.conf', '']] : []
}

function addTexts(draft: Draft, isTaken: IsTaken): void {
  const { platform, settled } = draft
  const texts: readonly (readonly [name: string, text: string])[] = [
    ['passwd', passwdText(platform, settled.user)],
    ['group', groupText(platform, settled.user)],
    ['gitconfig', gitconfigText],
    ['hosts', hostsText(settled.hostname)],
    ['nsswitch.conf', nsswitchText(platform)],
    ['protocols', protocolsText],
    ['services', servicesText],
    ['shells', shellsText(platform)],
    ...resolvTexts(settled.network),
  ]
  const ofHost = new Set(draft.mounts.map(({ target }) => target))
  for (const [name, text] of texts) {
    const path = `/etc/${name}`
    if (!isTaken(path) && !ofHost.has(path)) draft.files.push(bare({ path, text, entry: 'etc' }))
  }
  const links = [['localtime', '/usr/share/zoneinfo/UTC'], ...(platform === 'linux' ? [['mtab', '/proc/self/mounts'] as const] : [])] as const
  for (const [name, target] of links) {
    const path = `/etc/${name}`
    if (!isTaken(path)) draft.links.push(bare({ path, target }))
  }
}
