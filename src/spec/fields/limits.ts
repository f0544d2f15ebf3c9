import { bare } from '../plain-data.ts'
import { invalid, readInteger, readRecord } from '../check.ts'
import { joinedByName, type Fact, type Field, type JsonSchema } from '../field.ts'
import { halfOf, hostMemory, page, roomForTmp, sizeOfAll, tmpfsMount } from '../memory-files.ts'
import { isLent, isThrownAway } from '../outputs.ts'
import type { Mount, PlanLimits } from '../plan-types.ts'
import { readable } from '../messages.ts'
import { bytesSchema, longestTimer, millisecondsSchema, readBytes, readMilliseconds, sizeText, type Duration, type Size } from '../units.ts'

export interface WithLimits {
  /**
   * How much the build may use. Without limits it may use as much as the host has, except in /tmp. If the host cannot hold a limit, the session is refused
   * (UnsupportedError), unless `policy` is `best-effort`. A build can add `openFiles`, `fileSize`, `stackSize`, `outputSize`, `outputFiles`, `stdio` and
   * `wallTime` to the limits of a pool's base, and then the smaller one holds; the base settles the others.
   */
  readonly limits?: Limits
}

/** Limits of each process by itself (setrlimit(2)), for a session or for one command. If the host program's own limit is smaller, that one holds. */
export interface ProcessLimits {
  /** Files that are open at a time (RLIMIT_NOFILE). On Linux a build of an ordinary user has 1,024 fewer than that user, or half. */
  readonly openFiles?: number
  /** Size of a file that a process writes (RLIMIT_FSIZE). A process that writes more gets SIGXFSZ. */
  readonly fileSize?: Size
  /** Size of the stack (RLIMIT_STACK). By default the C library gives each thread as much. A process that needs more gets SIGSEGV. */
  readonly stackSize?: Size
}

/** Limits of a session. `openFiles`, `fileSize` and `stackSize` hold for each process by itself. */
export interface Limits extends ProcessLimits {
  /** Memory of all processes together. */
  readonly memory?: Size
  /** Swap of all processes together, beyond `memory`. 0: no swap. */
  readonly swap?: Size
  /** Processes at a time, and threads where the system counts those. */
  readonly processes?: number
  /** How many processors' worth of time all processes together get: 0.5, 2, ... */
  readonly cpus?: number
  /** Processor time of all processes together. When it is used up, they are killed, and nothing can be started any more. */
  readonly cpuTime?: Duration
  /**
   * Size of the private /tmp, unless an output is there. Default: 2 GiB, but at most half of the memory, and half of `memory`. Files in /tmp take memory; an
   * empty /tmp takes none.
   */
  readonly tmpSize?: Size
  /** Files and directories in the private /tmp. Default: one for each 4 KiB of `tmpSize`, and at least 1024. */
  readonly tmpFiles?: number
  /**
   * Size on disk of all outputs together, including what was there before. buildjail looks each second, or each ten times as long as a look takes, so there may
   * be more by then. If there is more, everything is killed, and nothing can be started any more.
   */
  readonly outputSize?: Size
  /** Files and folders in all outputs together; otherwise like `outputSize`. */
  readonly outputFiles?: number
  /** Bytes that each command writes to stdout and stderr together. A command that writes more is killed. */
  readonly stdio?: Size
  /** How long the session may be open. After that its processes are killed, and nothing can be started any more. */
  readonly wallTime?: Duration
  /**
   * `strict` (default): a limit that the host cannot hold refuses the session. `best-effort`: such a limit is left out, and `record()` has the limits that
   * hold, and what holds them. On Linux without a cgroup for them, `memory` then holds for each process (RLIMIT_DATA), and `processes` for each user of the
   * session (RLIMIT_NPROC, since Linux 5.14).
   */
  readonly policy?: 'strict' | 'best-effort'
}

/** How much one command may use. If the session has the same limit, the smaller one holds. */
export interface RunLimits extends ProcessLimits {
  /** Processor time of each of its processes, in whole seconds (RLIMIT_CPU). A process that uses more gets SIGXCPU, and SIGKILL a second later. */
  readonly cpuTime?: Duration
  /** Bytes that it writes to stdout and stderr together. A command that writes more is killed with everything it started. */
  readonly stdio?: Size
}

/** The name of a limit: of one that can end a build, or that a host may not be able to hold. */
export type LimitName = Exclude<keyof Limits, 'policy'>

const gib = 1024 ** 3
const most = Number.MAX_SAFE_INTEGER
const usualTmpSize = 2 * gib

/** What depends on the kind of value that a limit has. */
interface Kind {
  readonly unit: 'bytes' | 'milliseconds' | 'number'
  /** @throws SpecError naming the entry */
  readonly read: (given: unknown, entry: string) => number
  readonly schema: JsonSchema
  /** The value of `--limit NAME=TEXT`, for `read`. */
  readonly ofFlag: (text: string) => unknown
  /** The name of its value in the help. */
  readonly value: string
}

/** All that is known of one limit. Checks, help, schema, wire, records and pages are made from this. */
interface LimitEntry extends Kind {
  /** The beginning of a row of a page. */
  readonly title: string
  readonly about: string
  /** Why a command failed that came to it: `... limits.NAME lets it` follows. */
  readonly failure: string
  /** Whether one build can add it to a base. */
  readonly isAddable?: true
  /** Whether it holds a command by itself, which then can have it in `RunLimits`. */
  readonly isOfCommand?: true
  /** Held by the kernel for each process, by what setrlimit(2) calls this. `number` is its place in kRlimits of native/plan/limits.h. */
  readonly rlimit?: { readonly number: number; readonly name: string; readonly divisor?: number }
  /** Counted by this program, and not by the kernel. */
  readonly isOurs?: true
}

const integer = (minimum: number, maximum: number): JsonSchema => ({ type: 'integer', minimum, maximum })

const size = (least: number): Kind => ({
  unit: 'bytes',
  read: (given, entry) => readBytes(given, entry, least),
  schema: bytesSchema(least),
  value: 'SIZE',
  ofFlag: (text) => text,
})

const whole = (least: number, highest: number): Kind => ({
  unit: 'number',
  read: (given, entry) => readInteger(given, entry, least, highest),
  schema: integer(least, highest),
  value: 'NUMBER',
  ofFlag: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text),
})

const duration = (highest: number): Kind => ({
  unit: 'milliseconds',
  read: (given, entry) => readMilliseconds(given, entry, 1, highest),
  schema: millisecondsSchema(1, highest),
  value: 'DURATION',
  ofFlag: (text) => text,
})

const [fewestCpus, mostCpus] = [0.01, 65_536]
const processors: Kind = {
  ...whole(1, mostCpus),
  // The kernels count in thousandths or hundredths of one.
  read: (given, entry) => {
    if (typeof given === 'number' && given >= fewestCpus && given <= mostCpus) return given
    throw invalid(entry, `must be a number from ${fewestCpus} to ${mostCpus}`)
  },
  schema: { type: 'number', minimum: fewestCpus, maximum: mostCpus },
}

/** In the order of the help, the documentation and a page. */
export const limitTable: Readonly<Record<LimitName, LimitEntry>> = {
  memory: { ...size(page), title: 'Memory', about: 'Memory of all processes together.', failure: 'took more memory than' },
  swap: { ...size(0), title: 'Swap', about: 'Swap of all processes together, beyond memory. 0B: none.', failure: 'took more swap than' },
  processes: {
    ...whole(1, 2 ** 22),
    title: 'Processes at a time',
    about: 'Processes at a time, threads as well where the system counts those.',
    failure: 'tried to have more processes than',
  },
  cpus: {
    ...processors,
    title: 'Processors',
    about: "How many processors' worth of time all processes together get: 0.5, 2, ...",
    failure: 'took more of the processors than',
  },
  cpuTime: {
    ...duration(most),
    title: 'Processor time',
    about: 'Processor time of all processes together; they are killed then, and nothing can be started any more.',
    failure: 'took more processor time than',
    isOfCommand: true,
    // In seconds. No process may take more than all together.
    rlimit: { number: 0, name: 'RLIMIT_CPU', divisor: 1000 },
    isOurs: true,
  },
  openFiles: {
    // Fewer and no program could be loaded.
    ...whole(8, 2 ** 30),
    title: 'Open files of a process',
    about: 'Files that each process may have open at a time (RLIMIT_NOFILE).',
    failure: 'tried to open more files than',
    isAddable: true,
    isOfCommand: true,
    rlimit: { number: 1, name: 'RLIMIT_NOFILE' },
  },
  fileSize: {
    ...size(1),
    title: 'Size of a file',
    about: 'Size of a file that a process writes (RLIMIT_FSIZE).',
    failure: 'wrote a larger file than',
    isAddable: true,
    isOfCommand: true,
    rlimit: { number: 2, name: 'RLIMIT_FSIZE' },
  },
  stackSize: {
    // With less, no program could be loaded.
    ...size(64 * 1024),
    title: 'Size of a stack',
    about: 'Size of the stack of each process (RLIMIT_STACK).',
    failure: 'needed a larger stack than',
    isAddable: true,
    isOfCommand: true,
    rlimit: { number: 3, name: 'RLIMIT_STACK' },
  },
  tmpSize: {
    ...size(page),
    title: 'Size of /tmp',
    about: 'Size of the private /tmp, which is memory. Default: 2 GiB, but at most half of the memory, and of the limit memory.',
    failure: 'wrote more to /tmp than',
  },
  tmpFiles: {
    ...whole(1, 2 ** 32),
    title: 'Files in /tmp',
    about: 'Files and directories in the private /tmp. Default: one for each 4 KiB of tmpSize, and at least 1024.',
    failure: 'made more files in /tmp than',
  },
  outputSize: {
    ...size(page),
    title: 'Size of the outputs',
    about: 'What lies in all outputs together, on disk. Looked at each second, or each ten times as long as a look takes.',
    failure: 'wrote more to the outputs than',
    isAddable: true,
    isOurs: true,
  },
  outputFiles: {
    ...whole(1, 2 ** 32),
    title: 'Files in the outputs',
    about: 'Files and folders in all outputs together. Looked at each second, or each ten times as long as a look takes.',
    failure: 'made more files in the outputs than',
    isAddable: true,
    isOurs: true,
  },
  stdio: {
    ...size(1),
    title: 'Bytes on stdout and stderr',
    about: 'What each command writes to stdout and stderr together; a command that writes more is killed.',
    failure: 'wrote more to stdout and stderr than',
    isAddable: true,
    isOfCommand: true,
    isOurs: true,
  },
  wallTime: {
    ...duration(longestTimer),
    title: 'Time from opening to closing',
    about: 'How long the session may be open; its processes are killed then, and nothing can be started any more.',
    failure: 'was not over in the time that',
    isAddable: true,
    isOurs: true,
  },
}

/** What happens if a host cannot hold a limit. */
const policies = ['strict', 'best-effort'] as const
const policyMember = {
  read: (given: unknown, entry: string): (typeof policies)[number] => {
    const known = policies.find((one) => one === given)
    if (known === undefined) throw invalid(entry, "must be 'strict' or 'best-effort'")
    return known
  },
  schema: { enum: policies, default: 'strict' },
  ofFlag: (text: string): string => text,
  value: policies.join('|'),
  about: 'strict (default): a limit that this host cannot hold refuses the session. best-effort: it is held as far as can be, or left out.',
} as const

export const limitNames = Object.keys(limitTable) as readonly LimitName[]

const members = { ...limitTable, policy: policyMember }
type Member = Pick<LimitEntry, 'schema' | 'ofFlag' | 'value' | 'about'> & { readonly read: (given: unknown, entry: string) => number | string }

const isMember = (name: string): name is keyof Limits => Object.hasOwn(members, name)

/** For the help: what a limit is of, and how its value is called. Undefined where there is no such limit. */
export function toldOfLimit(name: string): { readonly value: string; readonly about: string } | undefined {
  return isMember(name) ? members[name] : undefined
}

/** @throws SpecError naming the entry */
function memberNamed(name: string, entry: string): Member {
  if (isMember(name)) return members[name]
  throw invalid(entry, `is not a limit; there are ${Object.keys(members).join(', ')}`)
}

const addable = limitNames.filter((name) => limitTable[name].isAddable === true)
const ofCommands = limitNames.filter((name): name is keyof RunLimits => limitTable[name].isOfCommand === true)

/** The limits of one command as they were read: bytes, milliseconds and numbers. */
export type CheckedRunLimits = { readonly [Name in keyof RunLimits]?: number }

/** @throws SpecError naming the entry */
export function readRunLimits(given: unknown, entry: string): CheckedRunLimits {
  const limits = Object.create(null) as Record<string, number>
  for (const [key, value] of Object.entries(readRecord(given, entry))) {
    const name = ofCommands.find((known) => known === key)
    if (name === undefined) throw invalid(`${entry}.${key}`, `is not a limit of a command; there are ${ofCommands.join(', ')}`)
    if (value !== undefined) limits[name] = limitTable[name].read(value, `${entry}.${name}`)
  }
  return Object.freeze(limits)
}

/** The limits of a command in a session: of each the smaller one. */
export function limitsOfCommand(session: PlanLimits, own: CheckedRunLimits): CheckedRunLimits {
  const limits = Object.create(null) as Record<string, number>
  for (const name of ofCommands) {
    const least = Math.min(session[name] ?? Infinity, own[name] ?? Infinity)
    if (least !== Infinity) limits[name] = least
  }
  return bare(limits)
}

function read(given: unknown, entry: string): Limits {
  const record = readRecord(given, entry)
  const limits = Object.create(null) as Record<string, unknown>
  for (const [key, value] of Object.entries(record)) {
    const member = memberNamed(key, `${entry}.${key}`)
    if (value !== undefined) limits[key] = member.read(value, `${entry}.${key}`)
  }
  return Object.freeze(limits) as Limits
}

function readFlags(words: readonly string[], option: string): Limits {
  const limits = Object.create(null) as Record<string, unknown>
  for (const text of words) {
    const [name = '', value] = text.split(/=(.*)/s)
    if (value === undefined) throw invalid(option, `'${text}' is not NAME=VALUE, such as memory=2G`)
    if (Object.hasOwn(limits, name)) throw invalid(option, `'${name}' is given twice`)
    // As it was typed.
    const entry = `${option} ${readable(text)}`
    const member = memberNamed(name, entry)
    limits[name] = member.read(member.ofFlag(value), entry)
  }
  return Object.freeze(limits) as Limits
}

const none: Limits = Object.freeze(Object.create(null) as Limits)

/** The smaller of both holds. */
function narrowed(base: PlanLimits, added: Limits): PlanLimits {
  const both: Record<string, unknown> = { ...base }
  for (const [name, bound] of Object.entries<unknown>(added as Record<string, unknown>)) {
    if (!addable.some((one) => one === name)) throw invalid(`limits.${name}`, `cannot be added: it is settled by the base; a build can add ${addable.join(', ')}`)
    const before = base[name as keyof PlanLimits] as number | undefined
    both[name] = before === undefined ? bound : Math.min(before, bound as number)
  }
  return bare(both as unknown as PlanLimits)
}

function textOf(name: LimitName, value: number): string {
  const { unit } = limitTable[name]
  if (unit === 'bytes') return sizeText(value)
  return unit === 'milliseconds' ? `${value} ms` : String(value)
}

/** Refuses what an output in place of the private /tmp rules out. On Linux the bounds of /dev/shm and the room for overlays are those of /tmp. */
function refuseWithTmp({ entry, target }: Mount, given: Limits, mounts: readonly Mount[]): void {
  for (const name of ['tmpSize', 'tmpFiles', 'memory'] as const) {
    if (given[name] !== undefined) throw invalid(`limits.${name}`, `cannot be held, because ${target} is an output (${entry})`)
  }
  const overlay = mounts.find(isThrownAway)
  if (overlay !== undefined) throw invalid(overlay.entry, `cannot be an overlay, because ${target} is an output (${entry})`)
}

export const limits: Field<Limits, true> = {
  read,
  plan: ({ layout, mounts, settled }, given = none) => {
    const base = settled.limits as PlanLimits | undefined
    if (base !== undefined) {
      settled.limits = narrowed(base, given)
      return
    }
    const { tmpSize, tmpFiles, policy = 'strict', ...others } = given
    const asked = tmpSize as number | undefined
    const half = Math.min(halfOf(hostMemory()), halfOf(given.memory as number | undefined))
    const room = roomForTmp(sizeOfAll(mounts), half, asked)
    for (const { kind, target } of layout.own) {
      if (kind !== 'tmpfs') continue
      const output = mounts.find((mount) => mount.target === target && mount.kind === 'bind' && isLent(mount))
      if (output !== undefined) refuseWithTmp(output, given, mounts)
      else mounts.push(tmpfsMount(target, asked ?? Math.min(usualTmpSize, room), tmpFiles, 'tmpfs'))
    }
    settled.limits = bare({ ...(others as Omit<PlanLimits, 'policy'>), policy })
  },
  isAddable: true,
  facts: ({ limits: { policy, ...given } }) => {
    const facts = Object.entries<number>(given).map(([name, value]) => `${name} ${textOf(name as LimitName, value)}`)
    if (policy === 'best-effort') facts.push('as far as the host can hold them')
    return facts.length === 0 ? [] : [['limits', facts.join(', ')] satisfies Fact]
  },
  flag: {
    name: 'limit',
    value: 'NAME=VALUE',
    help: 'how much the build may take: memory=2G, processes=64, wallTime=10m, ...; repeatable',
    isRepeatable: true,
    offers: { words: Object.keys(members).map((one) => `${one}=`) },
    shortcuts: [{ name: 'tmp-size', value: 'SIZE', help: 'the same as --limit tmpSize=SIZE: the most that is in /tmp', textOf: (value) => `tmpSize=${value}` }],
    read: readFlags,
    join: joinedByName,
  },
  schema: {
    type: 'object',
    properties: Object.fromEntries(Object.entries<Member>(members).map(([name, { schema, about }]) => [name, { ...schema, description: about }])),
    additionalProperties: false,
    description: 'How much the build may take.',
  },
}
