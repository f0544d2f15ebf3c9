import type { RecordedMount, RunRecord } from '../recording/run-record.ts'
import type { MountRecord } from '../native/record.ts'
import { rowsOfTree } from './branches.ts'
import { html, nothing, type Markup } from './html.ts'
import { code, table, type Row } from './document.ts'
import { bytes } from './figures.ts'

/** An entry at a path of the root. */
interface Entry {
  readonly access: string
  readonly what: string
  /** The path on the host. */
  readonly source: string
  /** The field of the spec that declared it. */
  readonly asked: string
}

interface Node {
  readonly path: string
  readonly name: string
  entry: Entry | undefined
  readonly children: Map<string, Node>
}

const kinds: Readonly<Record<string, string>> = {
  bind: 'folder of the host',
  file: 'file of the host',
  store: 'store of the host',
  overlay: 'folder of the host; writes are thrown away',
  copy: 'copy of a folder of the host, in memory; writes are thrown away',
  listed: 'folder of the host, its entries one by one',
  tmpfs: 'in memory',
  dev: 'devices',
  proc: 'processes',
}

const columns = [
  { name: 'Path', style: 'code' },
  { name: 'Access' },
  { name: 'What' },
  { name: 'Source on the host', style: 'code' },
  { name: 'Asked for by', style: 'code' },
] as const

const kernelColumns = [
  { name: 'Path', style: 'code' },
  { name: 'Mount', style: 'code' },
] as const

/** The root as a tree, with everything in it. */
export function treeSection(record: RunRecord): Markup {
  const top: Node = { path: '/', name: '/', entry: undefined, children: new Map() }
  const kernel = new Map((record.kernel?.mounts ?? []).map((mount) => [below(record.kernel?.root ?? '', mount.on), mount]))
  const { mounts, links, files, devices } = record.plan
  for (const { path, target } of links) nodeAt(top, path).entry = plain('', `link to ${target}`, '')
  for (const { path, bytes: size, entry } of files) nodeAt(top, path).entry = plain('read-only', `text of ${bytes(size)}`, entry)
  for (const { path, kind, entry } of devices) nodeAt(top, path).entry = { ...plain('', `${kind} device`, entry), source: path }
  for (const mount of mounts) nodeAt(top, mount.target).entry = planned(mount, kernel.get(mount.target), record)
  for (const [path, mount] of kernel) {
    if (path !== undefined) nodeAt(top, path).entry ??= plain(accessOf(mount), 'part of every session', '')
  }
  return html`<p>Nothing else of the host is there. A path without a source is in the memory of the session.</p>
${table('The root of the session', columns, rowsOfTree(top, childrenOf, rowOf))}
${inKernelsWords(kernel)}`
}

/** The mounts as the kernel lists them. */
function inKernelsWords(mounts: ReadonlyMap<string | undefined, MountRecord>): Markup {
  const rows = [...mounts].flatMap(([path, { type, flags }]): Row[] => (path === undefined ? [] : [[path, code([type, ...flags].join(' '))]]))
  if (rows.length === 0) return nothing
  return html`<details><summary><h3>In the kernel’s words</h3></summary>${table('The mounts in the kernel’s words', kernelColumns, rows)}</details>`
}

function childrenOf({ children }: Node): readonly Node[] {
  return [...children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function rowOf(node: Node, lines: Markup): Row {
  const { access = '', what = '', source = '', asked = '' } = node.entry ?? {}
  const parent = node.path.slice(0, -node.name.length)
  const name = html`${lines}<span class="unseen">${parent}</span>${node.name}`
  return [name, accessMark(access), what, source === '' ? '' : code(source), asked === '' ? '' : code(asked)]
}

function accessMark(access: string): Markup {
  if (access === '') return nothing
  return html`<span class="${access === 'read-write' ? 'writable' : 'readable'}">${access}</span>`
}

function planned(mount: RecordedMount, kernel: MountRecord | undefined, { filled }: RunRecord): Entry {
  const { kind, target, source = '', writable, size, entry } = mount
  const used = filled.find((one) => one.target === target)?.used
  const most = size === undefined ? '' : `, at most ${bytes(size)}`
  const rest = used === undefined ? '' : `, ${bytes(used)} used at the end`
  return {
    access: kernel === undefined ? accessWord(writable) : accessOf(kernel, writable),
    what: `${kinds[kind] ?? kind}${most}${rest}`,
    source,
    asked: entry,
  }
}

function plain(access: string, what: string, asked: string): Entry {
  return { access, what, source: '', asked }
}

function accessWord(writable: boolean): string {
  return writable ? 'read-write' : 'read-only'
}

/** statfs(2) shows no flags of a FreeBSD devfs, so that is shown as planned. */
function accessOf({ flags, type }: MountRecord, writable = true): string {
  if (flags.includes('ro')) return 'read-only'
  return accessWord(type === 'devfs' ? writable : true)
}

/** The path inside for a path on the host. Undefined if it lies outside the root. */
function below(root: string, on: string): string | undefined {
  if (on === root) return '/'
  return on.startsWith(`${root}/`) ? on.slice(root.length) : undefined
}

function nodeAt(top: Node, path: string): Node {
  let node = top
  for (const name of path.split('/').filter((part) => part !== '')) {
    let next = node.children.get(name)
    if (next === undefined) {
      next = { path: `${node.path === '/' ? '' : node.path}/${name}`, name, entry: undefined, children: new Map() }
      node.children.set(name, next)
    }
    node = next
  }
  return node
}
