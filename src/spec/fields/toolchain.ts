import { lstatSync, readlinkSync } from 'node:fs'

import { bare } from '../bare.ts'
import { readList, readText } from '../check.ts'
import { noFacts, takesAll, type Draft, type Field } from '../field.ts'
import { inputMount } from '../source-mount.ts'
import { refuseTarget } from '../target-rules.ts'

export interface WithToolchain {
  /**
   * The part of the host's system that is visible, read-only. `host` (default): the slice a compiler needs
   * (FreeBSD: /bin /lib /libexec /usr/bin /usr/include /usr/lib /usr/libdata /usr/libexec; Linux: /usr, whichever of /bin /sbin
   * /lib* lie beside it, and the files in /etc of the dynamic linker and the alternatives). A list: exactly these
   * directories or files, at the same path inside.
   */
  readonly toolchain?: Toolchain
}

export type Toolchain = 'host' | 'none' | readonly string[]

export const toolchain: Field<Toolchain, false> = {
  read: (given, entry) => {
    if (given === 'host' || given === 'none') return given
    const list = readList(given, entry, "'host', 'none' or a list of absolute paths")
    return list.map((path, index) => readText(path, `${entry}[${index}]`))
  },
  plan: (draft, value = 'host') => {
    if (value === 'none') return
    if (value === 'host') addHostToolchain(draft)
    else addListed(draft, value)
  },
  isAddable: false,
  facts: noFacts,
  flag: {
    name: 'toolchain',
    takes: takesAll,
    value: 'TOOLCHAIN',
    help: 'host (default: the part of the system that a compiler needs), none, or path,path',
    isRepeatable: false,
    read: ([text]) => (text === 'host' || text === 'none' ? text : text.split(',')),
  },
  schema: {
    anyOf: [{ enum: ['host', 'none'] }, { type: 'array', items: { type: 'string', pattern: String.raw`^[^\0]+$` } }],
    default: 'host',
    description: "The part of the host's system that is visible, read-only; a list names exactly these directories and files.",
  },
}

function addListed({ mounts }: Draft, sources: readonly string[]): void {
  sources.forEach((source, index) => {
    const entry = `toolchain[${index}]`
    refuseTarget(entry, source)
    mounts.push(inputMount(entry, source, source))
  })
}

function addHostToolchain({ layout, mounts, links }: Draft): void {
  for (const part of layout.toolchain) {
    const found = lstatSync(part, { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.isSymbolicLink()) links.push(bare({ path: part, target: readlinkSync(part) }))
    // No identity: only root can exchange a part of the system, and a plan that is kept outlives an update of it.
    else mounts.push(bare({ kind: found.isDirectory() ? 'bind' : 'file', target: part, source: part, writable: false, entry: 'toolchain' }))
  }
}
