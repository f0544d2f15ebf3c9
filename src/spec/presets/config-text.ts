/** A line of a configuration file. */
export interface Setting {
  /** As it stands in its brackets. Empty before the first. */
  readonly section: string
  readonly key: string
  readonly value: string
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value

/**
 * Sections, keys and values, as .npmrc, git-config(1) and pip.conf have them.
 * @param hasContinuations an indented line continues a value, as in pip.conf
 */
export function readIni(text: string, hasContinuations = false): readonly Setting[] {
  const settings: { section: string; key: string; value: string }[] = []
  let section = ''
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed === '' || /^[;#]/.test(trimmed)) continue
    const header = /^\[(.+)\]$/.exec(trimmed)?.[1]
    const last = settings.at(-1)
    const at = trimmed.indexOf('=')
    const value = trimmed.slice(at + 1).trim()
    if (header !== undefined) section = header
    else if (hasContinuations && /^\s/.test(line) && last !== undefined) last.value = `${last.value} ${trimmed}`.trim()
    else if (at >= 0) settings.push({ section, key: trimmed.slice(0, at).trim(), value: hasContinuations ? value : unquoted(value.replace(/\s[;#].*$/, '').trim()) })
  }
  return settings
}

/** The texts of a TOML file, by their keys, such as `['source', 'crates-io', 'replace-with']`. Other values are passed over. */
export function readTomlTexts(text: string): readonly { readonly path: readonly string[]; readonly value: string }[] {
  const found: { path: readonly string[]; value: string }[] = []
  let table: readonly string[] = []
  const assignment = /(?:^|[{,])\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim()
    const header = /^\[([^[\]]+)\]/.exec(trimmed)?.[1]
    if (header !== undefined) table = keysIn(header)
    if (header !== undefined || trimmed.startsWith('#')) continue
    const [, outer] = /^((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=\s*\{/.exec(trimmed) ?? []
    const around = outer === undefined ? table : [...table, ...keysIn(outer)]
    const rest = outer === undefined ? trimmed : trimmed.slice(trimmed.indexOf('{'))
    for (const [, key = '', double, single] of rest.matchAll(assignment)) found.push({ path: [...around, ...keysIn(key)], value: double ?? single ?? '' })
  }
  return found
}

function keysIn(dotted: string): readonly string[] {
  return [...dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '')
}
