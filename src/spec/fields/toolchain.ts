import { readList, readText, refusal } from '../check.ts'
import { noFacts, type Draft, type Field } from '../field.ts'
import { hasLocale, hostParts, linksInto, runningRuntime, shownOnce, type Part } from '../host-parts.ts'
import { pathOf } from '../source.ts'
import { plannedInput } from '../source-mount.ts'
import { putBeforePath } from './path.ts'
import { refuseTarget } from '../target-rules.ts'
import { optionalFrom, readSource, sourceSchema, type Source } from './sources.ts'

export interface WithToolchain {
  /**
   * The part of the host's system that is visible, read-only. `host` (default): the slice that a compiler needs (FreeBSD: /bin /lib /libexec /usr/bin
   * /usr/include /usr/lib /usr/libdata /usr/libexec /usr/share/mk; Linux: /usr, those of /bin /sbin /lib* that lie beside it, and in /etc the files of the
   * dynamic linker, the alternatives and the settings of Java).
   *
   * A list: exactly these, each at the same path inside. It holds absolute paths of directories or files, `host` for all of the above, and `node` for the
   * runtime that this program runs in: the prefix of Node's program, such as /usr/local, or the program of Bun itself. Its directory of programs comes before
   * PATH. A path that lies in another listed part adds nothing. Links of the host's system that lead into a listed part, such as /bin to usr/bin, are there
   * too.
   */
  readonly toolchain?: Toolchain
}

export type Toolchain = 'host' | 'none' | readonly Source[]

export const toolchain: Field<Toolchain, false> = {
  read: (given, entry) => {
    if (given === 'host' || given === 'none') return given
    return readList(given, entry, `'host', 'none' or a list of ${entries}, such as ['host', 'node']`).map((one, index) => readSource(one, `${entry}[${index}]`))
  },
  plan: (draft, value = 'host') => {
    if (value !== 'none') addAll(draft, value === 'host' ? [value] : value)
  },
  isAddable: false,
  facts: noFacts,
  flag: {
    name: 'toolchain',
    value: 'TOOLCHAIN',
    help: 'none, or a list of host (default: what a compiler needs), node, paths; PATH? if it is there',
    isRepeatable: false,
    offers: { words: ['host', 'none', 'node', 'host,node'], paths: 'any' },
    read: ([text], option) => {
      if (text === 'host' || text === 'none') return text
      return text.split(',').map((word) => {
        const { name, isOptional } = optionalFrom(readText(word, option))
        return isOptional ? { path: name, optional: true } : name
      })
    },
  },
  schema: {
    anyOf: [{ enum: ['host', 'none'] }, { type: 'array', items: sourceSchema }],
    default: 'host',
    description: "The part of the host's system that is visible, read-only; a list names host, node, and directories and files.",
  },
}

const entries = "'host', 'node' and absolute paths"

function addAll(draft: Draft, given: readonly Source[]): void {
  const { platform, layout, mounts, links, settled } = draft
  const hasHost = given.includes('host')
  if (hasHost && hasLocale(layout)) settled.env = { ...settled.env, LC_ALL: 'C.UTF-8' }
  const listed = given.flatMap((source, index): Part[] => {
    if (source === 'host') return []
    const entry = `toolchain[${index}]`
    const part = source === 'node' ? nodeSource(draft) : source
    const path = pathOf(part)
    if (!path.startsWith('/')) throw refusal('ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry, `${path} is neither 'host' nor 'node', nor an absolute path`, path)
    refuseTarget(entry, path)
    const mount = plannedInput(draft, entry, part, path)
    return mount === undefined ? [] : [{ mount, dev: mount.identity?.dev }]
  })
  const host = hasHost ? hostParts(layout) : { parts: [], links: linksInto(listed, layout) }
  const shown = shownOnce({ parts: [...host.parts, ...listed], links: host.links }, platform)
  mounts.push(...shown.mounts)
  links.push(...shown.links)
}

function nodeSource(draft: Draft): string {
  const { source, bin } = runningRuntime()
  putBeforePath(draft, [bin])
  return source
}
