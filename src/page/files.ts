import { useNames, type RecordedProgram, type RecordedUse } from '../recording/seen-files.ts'
import type { RunRecord } from '../recording/run-record.ts'
import { rowsOfTree } from './branches.ts'
import { code, type Row, table } from './document.ts'
import { html, type Markup, nothing } from './html.ts'

type UseName = (typeof useNames)[number]

/** A folder, with how many paths of each use are below it. */
interface Folder {
  readonly name: string
  readonly counts: Record<UseName, number>
  readonly children: Map<string, Folder>
}

const headings: Readonly<Record<UseName, string>> = {
  read: 'Read',
  executed: 'Executed',
  listed: 'Listed',
  looked: 'Only looked at',
  missing: 'Missing',
  refused: 'Refused',
  written: 'Written',
}

const programColumns = [{ name: 'Program', style: 'code' }, { name: 'Called as', style: 'code' }, { name: 'Processes', style: 'number' }, { name: 'Started by', style: 'code' }] as const

/** Levels of folders below that of an entry. */
const mostLevels = 4
const mostChildren = 30
const mostPaths = 1000

/** The paths looked up in the session. Empty for a run without a trace. */
export function filesSection({ files, programs = [] }: RunRecord): Markup {
  if (files === undefined) return nothing
  const { entries, unused, lost } = files
  const left = entries.reduce((sum, use) => sum + useNames.reduce((some, name) => some + (use[name].leftOut ?? 0), 0), 0)
  return html`${lost === 0 ? undefined : html`<p>Of ${lost} calls the paths are missing here: there were too many, or they could not be read.</p>`}
${left === 0 ? undefined : html`<p>${left} paths are left out of the record.</p>`}
${unused.length === 0 ? html`<p>The command found something in each input and in the toolchain.</p>` : html`<h3>Declared, and nothing found in it</h3>
<ul>${unused.map((entry) => html`<li>${code(entry)}</li>\n`)}</ul>`}
${entries.map(entryPart)}
${programs.length === 0 ? undefined : programsPart(programs)}`
}

function entryPart(use: RecordedUse): Markup {
  const { entry, target } = use
  const folder = folderOf(use)
  const uses = useNames.filter((one) => folder.counts[one] > 0)
  if (uses.length === 0) return nothing
  const counts = uses.map((one) => `${folder.counts[one]} ${headings[one].toLowerCase()}`)
  const columns = [{ name: 'Folder', style: 'code' }, ...uses.map((one) => ({ name: headings[one], style: 'number' }) as const)] as const
  const heading = entry === '' ? 'elsewhere' : entry
  const isOpen = entry.startsWith('inputs.')
  return html`<details${isOpen ? html` open` : undefined}><summary><h3>${code(heading)}${target === '' ? undefined : html` at ${code(target)}`}: ${counts.join(', ')}</h3></summary>
${table(`What was looked up in ${heading}`, columns, rowsOfTree(folder, childrenOf, (one, lines): Row => [html`${lines}${one.name}`, ...uses.map((name) => (one.counts[name] === 0 ? '' : String(one.counts[name])))]))}
${pathsPart('Missing', use.missing.paths)}${pathsPart('Refused', use.refused.paths)}${pathsPart('Written', use.written.paths)}</details>
`
}

function folderOf(use: RecordedUse): Folder {
  const top = newFolder(use.target === '' ? '/' : use.target)
  for (const name of useNames) {
    for (const path of use[name].paths) {
      top.counts[name] += 1
      const names = path.slice(use.target.length).split('/').filter((part) => part !== '')
      // The last is a file, or a folder that is named in the counts of the one around it.
      let folder = top
      for (const part of names.slice(0, -1).slice(0, mostLevels)) {
        const child = folder.children.get(part) ?? newFolder(part)
        folder.children.set(part, child)
        child.counts[name] += 1
        folder = child
      }
    }
  }
  return top
}

function newFolder(name: string): Folder {
  return { name, counts: { read: 0, executed: 0, listed: 0, looked: 0, missing: 0, refused: 0, written: 0 }, children: new Map() }
}

/** Those with the most paths, in the order of their names. */
function childrenOf({ children }: Folder): readonly Folder[] {
  const all = [...children.values()].toSorted((a, b) => sumOf(b) - sumOf(a))
  const shown = all.slice(0, mostChildren).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const rest = all.slice(mostChildren)
  if (rest.length === 0) return shown
  const others = newFolder(`${rest.length} more folders`)
  for (const { counts } of rest) for (const name of useNames) others.counts[name] += counts[name]
  return [...shown, others]
}

function sumOf({ counts }: Folder): number {
  return useNames.reduce((sum, name) => sum + counts[name], 0)
}

function pathsPart(heading: string, paths: readonly string[]): Markup {
  if (paths.length === 0) return nothing
  const more = paths.length > mostPaths ? html`<p>And ${paths.length - mostPaths} more.</p>` : undefined
  return html`<details><summary>${heading}: ${paths.length}</summary><ul>${paths.slice(0, mostPaths).map((path) => html`<li>${code(path)}</li>\n`)}</ul>${more}</details>
`
}

function programsPart(programs: readonly RecordedProgram[]): Markup {
  const rows = programs.map(({ path, argv0, processes, startedBy }): Row => [path, code(argv0), String(processes), html`${startedBy.map((one) => html`${code(one)} `)}`])
  return html`<details><summary><h3>${programs.length === 1 ? 'One program was' : `${programs.length} programs were`} executed</h3></summary>
${table('The programs that were executed', programColumns, rows)}</details>`
}
