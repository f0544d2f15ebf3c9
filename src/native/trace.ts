/** What the processes of a session looked up (`trace` of a spec), in the order in which they first did. */
export interface Trace {
  readonly files: readonly TracedFile[]
  readonly programs: readonly TracedProgram[]
  /** The processes that were seen to look something up, in that order. */
  readonly processes: readonly TracedProcess[]
  /** Processes that are not in `processes`, because there were too many. */
  readonly processesLeftOut: number
  /** Calls whose paths are not in `files`: there were too many, or a path could not be read. 0: nothing is missing. */
  readonly lost: number
}

/** A path that was looked up, whether or not something is there. */
export interface TracedFile {
  /** In the session, absolute, without `.` and `..`. */
  readonly path: string
  /** The path that links lead to from there. Absent if none does. */
  readonly leadsTo?: string
  /** What the first call found. A file that the build made was missing at first. */
  readonly first: TracedOutcome
  /** The use of the first call. */
  readonly firstUse: TracedUse
  /** What all calls found. `refused`: the build may not do that there. */
  readonly found: readonly TracedOutcome[]
  /** Why it was looked up, also by calls that failed. */
  readonly uses: readonly TracedUse[]
  /** The number of calls. */
  readonly count: number
  /** Some of the programs that looked it up: indexes of `programs`. A command that is being started has no program yet. */
  readonly programs: readonly number[]
}

export type TracedOutcome = 'found' | 'missing' | 'refused'

/** `look`: for what the file is; `write`: to change, make, rename or remove it; `list`: for the names in a folder. */
export type TracedUse = 'look' | 'read' | 'write' | 'execute' | 'list'

/** A program that was executed. */
export interface TracedProgram {
  readonly path: string
  /** The name that it was called by. */
  readonly argv0: string
  /** How many processes ran it. */
  readonly processes: number
}

export interface TracedProcess {
  /** In the host's numbering. A number may be reused. */
  readonly pid: number
  readonly parent: number
  /** The last program that it executed: an index of `programs`. Absent if it is not known. */
  readonly program?: number
  /** When it first looked something up: milliseconds since 1970, by the host's clock. FreeBSD: when it began. */
  readonly beganAt: number
  /** FreeBSD only. Absent if the process still runs, or its end was not seen. */
  readonly endedAt?: number
}

// Also in native/seen/seen_paths.h.
const version = 2
const outcomes: readonly (readonly [TracedOutcome, number])[] = [['found', 1], ['missing', 2], ['refused', 4]]
const uses: readonly (readonly [TracedUse, number])[] = [['look', 1], ['read', 2], ['write', 4], ['execute', 8], ['list', 16]]
const noProgram = 2 ** 32 - 1

const empty: Trace = Object.freeze({ files: [], programs: [], processes: [], processesLeftOut: 0, lost: 0 })

/** Reads what native code packed. */
export function readTrace(packed: Buffer): Trace {
  if (packed.length === 0) return empty
  let at = 0
  const u8 = (): number => packed.readUInt8((at += 1) - 1)
  const u32 = (): number => packed.readUInt32LE((at += 4) - 4)
  const text = (): string => {
    const size = u32()
    return packed.toString('utf8', at, (at += size))
  }
  const u64 = (): number => Number(packed.readBigUInt64LE((at += 8) - 8))
  const ms = (): number => u64() / 1000
  const list = <Item>(item: () => Item): Item[] => Array.from({ length: u32() }, item)
  if (u32() !== version) throw new Error('the trace is of another version of the addon')
  const lost = u64()
  const programs = list((): TracedProgram => ({ path: text(), argv0: text(), processes: u32() }))
  const processes = list((): TracedProcess => {
    const [pid, parent, program, beganAt, endedAt] = [u32(), u32(), u32(), ms(), ms()]
    return { pid, parent, ...(program !== noProgram && { program }), beganAt, ...(endedAt !== 0 && { endedAt }) }
  })
  const processesLeftOut = u32()
  const files = list((): TracedFile => {
    const [path, leadsTo] = [text(), text()]
    const [first, firstUse] = [only(outcomes, u8()), only(uses, u8())]
    const [found, used] = [named(outcomes, u8()), named(uses, u8())]
    return { path, ...(leadsTo !== '' && { leadsTo }), first, firstUse, found, uses: used, count: u32(), programs: list(u32) }
  })
  return { files, programs, processes, processesLeftOut, lost }
}

function named<Name>(names: readonly (readonly [Name, number])[], bits: number): Name[] {
  return names.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name)
}

function only<Name>(names: readonly (readonly [Name, number])[], bits: number): Name {
  const [name] = named(names, bits)
  if (name === undefined) throw new Error('the trace is of another version of the addon')
  return name
}
