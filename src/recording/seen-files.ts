import nodePath from 'node:path'

import type { Trace, TracedFile } from '../native/trace.ts'
import { invalid } from '../spec/check.ts'
import { isExcluded } from '../spec/excluded.ts'
import { parentsOf } from '../spec/paths.ts'
import type { Identity, Link, Mount, Plan } from '../spec/plan-types.ts'

/** What the processes of a session looked up, by the entries of its plan. */
export interface RecordedFiles {
  /** Entries that show something of the host, paths that inputs exclude, and other entries in which something was looked up, in the order of the plan. */
  readonly entries: readonly RecordedUse[]
  /** Links of the root, such as /bin. Absent where the root has no link. Paths through them are listed by their targets. */
  readonly links?: readonly Link[]
  /** Entries of the spec that show something of the host, and in which no path was found. */
  readonly unused: readonly string[]
  /** Calls whose paths are not in `entries`, because there were too many, or a path could not be read. 0: no call is missing. */
  readonly lost: number
}

/** The paths that were looked up in one mount of a session. They are paths in the session, and each is in every list that fits it. */
export interface RecordedUse {
  /** The field of the spec, such as `inputs.src`. Empty for the directories and files of the root itself. */
  readonly entry: string
  /** The kind of the mount; `empty` for what an input excludes, and `root` for the root itself. */
  readonly kind: string
  /** The folder or file, in the session. Empty for the root itself. */
  readonly target: string
  /** On the host. Absent if the entry shows nothing of the host. */
  readonly source?: string
  /** Device and file number of the source when the session was planned. */
  readonly identity?: Identity
  readonly read: RecordedPaths
  readonly executed: RecordedPaths
  /** Folders whose names were read. */
  readonly listed: RecordedPaths
  /** Paths that were found, and neither read, executed nor listed. What the run then wrote is here too. */
  readonly looked: RecordedPaths
  /** Paths that were missing when they were first looked up, unless that was to write them. */
  readonly missing: RecordedPaths
  /** Paths at which the build may not do what it tried. */
  readonly refused: RecordedPaths
  /** Paths that were changed, made, renamed or removed. */
  readonly written: RecordedPaths
}

export interface RecordedPaths {
  /** In the order in which they were first looked up. */
  readonly paths: readonly string[]
  /** How many more there were. Absent if there were no more. */
  readonly leftOut?: number
}

/** A program that was executed. */
export interface RecordedProgram {
  readonly path: string
  /** The name that it was called by. */
  readonly argv0: string
  /** How many processes ran it. */
  readonly processes: number
  /** The programs of the processes that started those, as far as they are known. */
  readonly startedBy: readonly string[]
}

type UseName = 'read' | 'executed' | 'listed' | 'looked' | 'missing' | 'refused' | 'written'

export const useNames: readonly UseName[] = ['read', 'executed', 'listed', 'looked', 'missing', 'refused', 'written']

/** A build decides how many paths it looks up, and a page shows them all. */
const mostPaths = 20_000

/**
 * Sorts a trace by the entries of the plan that its session was opened with.
 * @param most how many paths of each list are kept. Infinity: all of them
 * @throws SpecError naming the argument that is not what its type says
 */
export function filesOf(trace: Trace, plan: Plan, most: number = mostPaths): RecordedFiles {
  checkTrace(trace)
  if (!Array.isArray((plan as Plan | undefined)?.mounts)) throw invalid('plan', 'must be the plan that the session was opened with')
  if (!(most >= 0) || (most !== Infinity && !Number.isSafeInteger(most))) throw invalid('most', 'must be a whole number of paths, or Infinity')
  const mountOf = mountsAround(plan.mounts)
  const uses = new Map<Mount | undefined, Record<UseName, string[]>>(plan.mounts.filter((mount) => mount.source !== undefined).map((mount) => [mount, emptyLists()]))
  const found = new Set<string>()
  const use = (mount: Mount | undefined): Record<UseName, string[]> => {
    const lists = uses.get(mount) ?? emptyLists()
    uses.set(mount, lists)
    return lists
  }
  for (const file of throughLinks(trace.files, plan.links)) {
    const mount = mountOf(file.path)
    const lists = use(mount)
    for (const name of usesOf(file)) lists[name].push(file.path)
    if (mount !== undefined && isFound(file)) found.add(mount.entry)
  }
  const ordered = [...plan.mounts, undefined].filter((mount) => uses.has(mount))
  return {
    entries: ordered.map((mount) => recordedUse(mount, uses.get(mount) ?? emptyLists(), most)),
    unused: [...new Set(plan.mounts.filter(isDeclared).map(({ entry }) => entry))].filter((entry) => !found.has(entry)),
    ...(plan.links.length > 0 && { links: plan.links }),
    lost: trace.lost,
  }
}

/**
 * The programs that were executed, with the programs that started them.
 * @throws SpecError if it is no trace
 */
export function programsOf(trace: Trace): readonly RecordedProgram[] {
  checkTrace(trace)
  const { programs, processes } = trace
  const programOf = new Map(processes.map(({ pid, program }) => [pid, program]))
  const startedBy = programs.map(() => new Set<string>())
  for (const { parent, program } of processes) {
    const starter = programOf.get(parent)
    const path = starter === undefined ? undefined : programs[starter]?.path
    if (program !== undefined && path !== undefined) startedBy[program]?.add(path)
  }
  return programs.map(({ path, argv0, processes: count }, index) => ({ path, argv0, processes: count, startedBy: [...(startedBy[index] ?? [])] }))
}

/** A result has no trace if its spec did not ask for one, and callers pass that on. */
function checkTrace(trace: Trace | undefined): void {
  const isWhole = [trace?.files, trace?.programs, trace?.processes].every((list) => Array.isArray(list))
  if (!isWhole) throw invalid('trace', 'must be the trace of a session whose spec has `trace: true`')
}

/** Files by the paths to which the links of the root itself lead. Files with the same path are merged. */
export function throughLinks(files: readonly TracedFile[], links: readonly Link[]): Iterable<TracedFile> {
  if (links.length === 0) return files
  const targets = new Map(links.map(({ path, target }) => [path, target]))
  const merged = new Map<string, TracedFile>()
  for (const file of files) {
    const path = pathThrough(file.path, targets)
    const known = merged.get(path)
    merged.set(path, known === undefined ? { ...file, path } : { ...known, found: [...new Set([...known.found, ...file.found])], uses: [...new Set([...known.uses, ...file.uses])] })
  }
  return merged.values()
}

function pathThrough(given: string, targets: ReadonlyMap<string, string>): string {
  let path = given
  // Those of the host may go in a circle.
  for (const _ of targets) {
    const link = [path, ...parentsOf(path)].find((one) => targets.has(one))
    if (link === undefined) return path
    path = nodePath.posix.resolve(nodePath.posix.dirname(link), targets.get(link) ?? '') + path.slice(link.length)
  }
  return path
}

/** Gives the deepest mount around a path. */
export function mountsAround(mounts: readonly Mount[]): (path: string) => Mount | undefined {
  // Of two at one target, the later one covers the other.
  const byTarget = new Map(mounts.map((mount) => [mount.target, mount]))
  return (path) => [path, ...parentsOf(path), '/'].map((one) => byTarget.get(one)).find((mount) => mount !== undefined)
}

/** Whether the caller declared it, and so may have declared it in vain. All of the host's toolchain is one entry. */
function isDeclared(mount: Mount): boolean {
  return mount.source !== undefined && !isExcluded(mount) && /^(inputs\.|toolchain($|\[))/s.test(mount.entry)
}

/**
 * A file that is found where something was missing at first was made by the build. A file that was refused at first may be found: one that cannot be written
 * can still be read.
 */
function isFound({ first, found }: Pick<TracedFile, 'first' | 'found'>): boolean {
  return first !== 'missing' && found.includes('found')
}

/** The lists that a path is in. */
function usesOf({ first, firstUse, found, uses }: TracedFile): readonly UseName[] {
  const names: UseName[] = []
  if (first === 'missing' && firstUse !== 'write') names.push('missing')
  if (found.includes('refused')) names.push('refused')
  if (uses.includes('write')) names.push('written')
  if (!isFound({ first, found })) return names
  const asked = ([['read', 'read'], ['execute', 'executed'], ['list', 'listed']] as const).flatMap(([use, name]) => (uses.includes(use) ? [name] : []))
  // A folder that was opened has nothing to read but its names.
  if (asked.includes('listed')) return [...names, 'listed']
  return asked.length === 0 ? [...names, 'looked'] : [...names, ...asked]
}

function recordedUse(mount: Mount | undefined, lists: Readonly<Record<UseName, readonly string[]>>, most: number): RecordedUse {
  const part = (name: UseName): RecordedPaths => {
    const paths = lists[name]
    return paths.length <= most ? { paths } : { paths: paths.slice(0, most), leftOut: paths.length - most }
  }
  const { entry, kind, target, source, identity } = mount ?? { entry: '', kind: 'root', target: '', source: undefined, identity: undefined }
  const isEmpty = mount !== undefined && isExcluded(mount)
  return {
    entry,
    kind: isEmpty ? 'empty' : kind,
    target,
    ...(source !== undefined && !isEmpty && { source }),
    ...(identity !== undefined && { identity }),
    read: part('read'),
    executed: part('executed'),
    listed: part('listed'),
    looked: part('looked'),
    missing: part('missing'),
    refused: part('refused'),
    written: part('written'),
  }
}

function emptyLists(): Record<UseName, string[]> {
  return { read: [], executed: [], listed: [], looked: [], missing: [], refused: [], written: [] }
}
