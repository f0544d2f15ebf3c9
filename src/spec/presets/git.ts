import path from 'node:path'

import { readIni, type Setting } from './config-text.ts'
import type { Machine, NamedUrl } from './machine.ts'

/** The remotes of the repository around the working directory, and its submodules, as `url.*.insteadOf` has them rewritten. */
export function gitUrls(machine: Machine): readonly NamedUrl[] | undefined {
  const file = configFile(machine)
  if (file === undefined) return undefined
  const own = readIni(machine.text(file) ?? '')
  const all = [...own, ...userFiles(machine).flatMap((one) => readIni(machine.text(one) ?? ''))]
  const urls = own.filter(({ section, key }) => /^(?:remote|submodule)\s+"/.test(section) && /^(?:push)?url$/i.test(key)).map(({ value }) => asUrl(rewritten(value, all)))
  return urls.length === 0 ? undefined : urls.map((url) => ({ url, from: file, isOfProject: true }))
}

/** That of a worktree is in the repository that it belongs to (gitrepository-layout(5)). */
function configFile(machine: Machine): string | undefined {
  for (const folder of machine.folders) {
    const git = path.join(folder, '.git')
    const named = /^gitdir: (.+)$/m.exec(machine.text(git) ?? '')?.[1]
    const place = named === undefined ? git : path.resolve(folder, named)
    const common = machine.text(path.join(place, 'commondir'))?.trim()
    const file = path.join(common === undefined ? place : path.resolve(place, common), 'config')
    if (machine.text(file) !== undefined) return file
  }
  return undefined
}

function userFiles(machine: Machine): readonly string[] {
  const config = machine.variable('XDG_CONFIG_HOME') ?? path.join(machine.home, '.config')
  return [path.join(machine.home, '.gitconfig'), path.join(config, 'git/config'), '/etc/gitconfig']
}

/** git-config(1), url.<base>.insteadOf: the longest that fits. */
function rewritten(url: string, settings: readonly Setting[]): string {
  const rules = settings.flatMap(({ section, key, value }) => {
    const base = /^url\s+"(.*)"$/.exec(section)?.[1]
    return base !== undefined && key.toLowerCase() === 'insteadof' && value !== '' && url.startsWith(value) ? [{ base, value }] : []
  })
  const [rule] = rules.toSorted((a, b) => b.value.length - a.value.length)
  return rule === undefined ? url : rule.base + url.slice(rule.value.length)
}

/** git-clone(1): the form of scp(1), `user@host:path` or `user@[host:port]:path`, is one of ssh unless a slash comes before its first colon. */
function asUrl(url: string): string {
  if (/^[\w+.-]+:\/\//.test(url)) return url
  const bracketed = /^[^/:[\]]*\[([^\]]+)\]:/.exec(url)?.[1]
  if (bracketed !== undefined) return `ssh://${/:.*:/.test(bracketed) ? `[${bracketed}]` : bracketed}/`
  const [before = ''] = url.split(':', 1)
  return before === url || before === '' || /[/[\]]/.test(before) ? url : `ssh://${before.slice(before.lastIndexOf('@') + 1)}/`
}
